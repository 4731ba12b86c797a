-- transaction.sql: what was rolled back is not sent, what is large is sent whole, what is empty is not sent.
\pset format unaligned
CREATE TABLE item (id int PRIMARY KEY, name text);
CREATE TABLE private (id int PRIMARY KEY);
CREATE PUBLICATION pub FOR TABLE item;
SELECT 'made' FROM walgate.create_slot('regress');
BEGIN;
INSERT INTO item VALUES (1);
ROLLBACK;
BEGIN;
INSERT INTO item VALUES (2);
SAVEPOINT a;
INSERT INTO item VALUES (3);
SAVEPOINT b;
INSERT INTO item VALUES (4);
ROLLBACK TO b;
INSERT INTO item VALUES (5);
RELEASE a;
SAVEPOINT c;
UPDATE item SET name = 'lost';
ROLLBACK TO c;
INSERT INTO item VALUES (6);
COMMIT;
DO $$
BEGIN
  INSERT INTO item VALUES (7);
  BEGIN
    INSERT INTO item VALUES (8);
    RAISE division_by_zero;
  EXCEPTION WHEN division_by_zero THEN
    INSERT INTO item VALUES (9);
  END;
END $$;
SELECT * FROM changes('pub');
-- prepared transactions arrive when they are committed
BEGIN;
INSERT INTO item VALUES (20);
PREPARE TRANSACTION 'regress_kept';
BEGIN;
INSERT INTO item VALUES (21);
PREPARE TRANSACTION 'regress_lost';
SELECT * FROM changes('pub');
COMMIT PREPARED 'regress_kept';
ROLLBACK PREPARED 'regress_lost';
SELECT * FROM row_changes('pub');
-- nothing published: nothing sent, and the slot moves all the same
SELECT confirmed_flush_lsn AS before FROM pg_replication_slots WHERE slot_name = 'regress' \gset
INSERT INTO private SELECT generate_series(1, 1000);
CREATE TEMP TABLE scratch AS SELECT 1 AS a;
CREATE UNLOGGED TABLE unlogged (a int);
INSERT INTO unlogged VALUES (1);
CREATE MATERIALIZED VIEW seen AS SELECT * FROM private;
CREATE UNIQUE INDEX ON seen (id);
REFRESH MATERIALIZED VIEW CONCURRENTLY seen;
SELECT * FROM changes('pub');
SELECT confirmed_flush_lsn > :'before' AS moved FROM pg_replication_slots WHERE slot_name = 'regress';
-- larger than logical_decoding_work_mem, with a part rolled back
TRUNCATE item;
SELECT * FROM row_changes('pub');
BEGIN;
INSERT INTO item SELECT i, repeat('a', 100) FROM generate_series(1, 20000) AS i;
SAVEPOINT a;
DELETE FROM item WHERE id % 2 = 0;
ROLLBACK TO a;
UPDATE item SET name = 'u' WHERE id > 19000;
COMMIT;
CREATE TEMP TABLE frames AS
  SELECT row_number() OVER () AS n, data FROM pg_logical_slot_get_binary_changes('regress', NULL, NULL, 'publications', 'pub');
SELECT spill_txns > 0 AS spilled FROM pg_stat_get_replication_slot('regress');
-- frames are full, and each but the last holds whole records up to the limit
SELECT count(*) > 10 AS several, min(length(data)) FILTER (WHERE n < last) >= 65536 AS full,
       max(length(data)) < 66000 AS none_longer, max(length(data)) FILTER (WHERE n = last) < 66000 AS last
  FROM frames, (SELECT count(*) AS last FROM frames) AS f;
SELECT kind, count(*), count(DISTINCT body) FROM frames, records(data) GROUP BY kind ORDER BY kind;
SELECT string_agg(kind, '' ORDER BY n) FROM (SELECT n, (SELECT kind FROM records(data) LIMIT 1) FROM frames WHERE n <= 2) AS first;
SELECT body FROM frames, records(data) WHERE kind = 'C';
-- a row that is larger than a frame
INSERT INTO item VALUES (30000, (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 10000) AS i));
INSERT INTO item VALUES (30001, 'small');
SELECT length(data) > 320000 AS long, string_agg(kind, '') FROM
  (SELECT data, (records(data)).kind FROM pg_logical_slot_get_binary_changes('regress', NULL, NULL, 'publications', 'pub')) AS r
  GROUP BY data ORDER BY 1 DESC, 2;
SELECT walgate.drop_slot('regress');
DROP PUBLICATION pub;
DROP TABLE item, unlogged;
DROP MATERIALIZED VIEW seen;
DROP TABLE private;
