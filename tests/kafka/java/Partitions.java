// Partitions.java - the hashes and partitions that Kafka's own Java client computes, as a table for our unit tests.
//
//   java -cp 'build/kafka/broker/*' tests/kafka/java/Partitions.java > tests/kafka/expected/partitions.tsv
//
// Each line: the key's bytes in hexadecimal, their murmur2 as a signed number, then the partition among 1, 2, 3, 12, 100
// and 65537 ones.

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.utils.Utils;

public class Partitions {
  public static void main(String[] words) {
    List<byte[]> keys = new ArrayList<>();
    for (String text : new String[] {"", "1", "a", "ab", "abc", "abcd", "foobar", "{\"id\":1}", "{\"id\":42}", "größe", "☃😀"}) {
      keys.add(text.getBytes(StandardCharsets.UTF_8));
    }
    for (int length = 0; length < 20; ++length) {
      byte[] zeros = new byte[length];
      byte[] ones = new byte[length];
      java.util.Arrays.fill(ones, (byte) 0xff);
      keys.add(zeros);
      keys.add(ones);
    }
    Random random = new Random(1);
    for (int i = 0; i < 200; ++i) {
      byte[] bytes = new byte[random.nextInt(64)];
      random.nextBytes(bytes);
      keys.add(bytes);
    }
    for (byte[] key : keys) {
      StringBuilder line = new StringBuilder(HexFormat.of().formatHex(key)).append('\t').append(Utils.murmur2(key));
      for (int partitions : new int[] {1, 2, 3, 12, 100, 65537}) {
        line.append('\t').append(BuiltInPartitioner.partitionForKey(key, partitions));
      }
      System.out.println(line);
    }
  }
}
