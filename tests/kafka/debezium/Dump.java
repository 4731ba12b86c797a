// Dump.java - what Debezium makes of a database's changes, as JSON lines.
//
//   java -cp JARS Dump.java HOST PORT DATABASE PUBLICATION MODE...
//
// A MODE is one word list: its name, then "property=value" words for the connector.  Each mode is an embedded engine
// with a slot of its own, and all run at once.  "ready" on standard output says that every slot streams; the caller
// then makes its changes, the last of them to a table called "the_end".  Each record becomes one line: mode, topic, key
// and value (both as Debezium's JSON converter wrote them) and headers.  The program ends when every engine has seen
// the end.

import io.debezium.engine.ChangeEvent;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.format.Json;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

public class Dump {
  static String host;
  static String port;
  static String database;

  public static void main(String[] words) throws Exception {
    host = words[0];
    port = words[1];
    database = words[2];
    String publication = words[3];
    int modes = words.length - 4;
    CountDownLatch ended = new CountDownLatch(modes);
    ExecutorService threads = Executors.newCachedThreadPool();
    DebeziumEngine<?>[] engines = new DebeziumEngine<?>[modes];
    for (int i = 0; i < modes; ++i) {
      String[] mode = words[4 + i].split(" ");
      engines[i] = engine(mode, publication, ended);
      threads.execute(engines[i]);
    }
    waitForSlots(modes);
    say("ready");
    ended.await();
    for (DebeziumEngine<?> engine : engines) engine.close();
    System.exit(0);
  }

  static DebeziumEngine<?> engine(String[] mode, String publication, CountDownLatch ended) {
    Properties properties = new Properties();
    properties.setProperty("name", mode[0]);
    properties.setProperty("connector.class", "io.debezium.connector.postgresql.PostgresConnector");
    properties.setProperty("offset.storage", "org.apache.kafka.connect.storage.MemoryOffsetBackingStore");
    properties.setProperty("offset.flush.interval.ms", "1000");
    properties.setProperty("database.hostname", host);
    properties.setProperty("database.port", port);
    properties.setProperty("database.user", "postgres");
    properties.setProperty("database.password", "");
    properties.setProperty("database.dbname", database);
    properties.setProperty("topic.prefix", "pipeline_" + mode[0]);  // names of metrics must differ
    properties.setProperty("plugin.name", "pgoutput");
    properties.setProperty("publication.name", publication);
    properties.setProperty("publication.autocreate.mode", "disabled");
    properties.setProperty("slot.name", "dump_" + mode[0]);
    properties.setProperty("snapshot.mode", "no_data");
    properties.setProperty("skipped.operations", "none");
    for (int i = 1; i < mode.length; ++i) {
      int at = mode[i].indexOf('=');
      properties.setProperty(mode[i].substring(0, at), mode[i].substring(at + 1));
    }
    boolean[] over = {false};
    return DebeziumEngine.create(Json.class)
        .using(properties)
        .using((success, message, error) -> {
          if (!success) {
            if (error != null) error.printStackTrace();
            System.err.println(mode[0] + ": " + message);
            System.exit(1);
          }
        })
        .notifying(record -> {
          say(line(mode[0], record));
          if (!over[0] && record.destination() != null && record.destination().endsWith(".the_end")) {
            over[0] = true;
            ended.countDown();
          }
        })
        .build();
  }

  static String line(String mode, ChangeEvent<String, String> record) {
    StringBuilder headers = new StringBuilder();
    for (var header : record.headers()) {
      headers.append(headers.length() == 0 ? "" : ",").append('"').append(header.getKey()).append("\":")
          .append(header.getValue());
    }
    return "{\"mode\":\"" + mode + "\",\"topic\":\"" + record.destination() + "\",\"key\":" + record.key() + ",\"value\":"
        + record.value() + ",\"headers\":{" + headers + "}}";
  }

  static synchronized void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  static void waitForSlots(int modes) throws Exception {
    String url = "jdbc:postgresql://" + host + ":" + port + "/" + database + "?user=postgres";
    try (Connection connection = DriverManager.getConnection(url); Statement statement = connection.createStatement()) {
      for (;;) {
        try (ResultSet row = statement.executeQuery("SELECT count(*) FROM pg_replication_slots WHERE active")) {
          row.next();
          if (row.getInt(1) == modes) return;
        }
        Thread.sleep(100);
      }
    }
  }
}
