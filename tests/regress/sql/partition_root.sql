-- partition_root.sql: with publish_via_partition_root partitions are sent under the name of the published table.
\pset format unaligned
\set VERBOSITY terse
CREATE TABLE measure (id int, day int, body text, PRIMARY KEY (id, day)) PARTITION BY LIST (day);
CREATE TABLE measure_1 PARTITION OF measure FOR VALUES IN (1);
-- other order of columns, and a dropped one
CREATE TABLE measure_2 (gone int, body text, day int NOT NULL, id int NOT NULL);
ALTER TABLE measure_2 DROP gone;
ALTER TABLE measure ATTACH PARTITION measure_2 FOR VALUES IN (2);
CREATE TABLE measure_3 PARTITION OF measure FOR VALUES IN (3, 4) PARTITION BY LIST (day);
CREATE TABLE measure_3_3 PARTITION OF measure_3 FOR VALUES IN (3);
CREATE PUBLICATION root FOR TABLE measure WITH (publish_via_partition_root = true);
CREATE PUBLICATION middle FOR TABLE measure_3 WITH (publish_via_partition_root = true);
CREATE PUBLICATION leaf FOR TABLE measure_3_3;
CREATE PUBLICATION everything FOR ALL TABLES WITH (publish_via_partition_root = true);
CREATE PUBLICATION listed FOR TABLE measure (id, day) WHERE (id > 2) WITH (publish_via_partition_root = true);
CREATE FUNCTION peeked(publications text) RETURNS SETOF text LANGUAGE sql AS $$
  SELECT data FROM pg_logical_slot_peek_changes('regress', NULL, NULL, 'format', 'json', 'publications', publications)
   WHERE data::json->>'action' NOT IN ('begin', 'commit');
$$;
SELECT 'made' FROM walgate.create_slot('regress');
INSERT INTO measure VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c');
UPDATE measure SET body = 'z';
UPDATE measure SET id = id + 10 WHERE day = 2;
UPDATE measure SET day = 1 WHERE id = 3;
DELETE FROM measure WHERE id = 1;
SELECT * FROM peeked('root');
SELECT * FROM peeked('middle');
SELECT * FROM peeked('leaf');
-- the highest place wins
SELECT * FROM peeked('leaf, middle');
SELECT count(*) FROM peeked('leaf, middle, root');
SELECT (SELECT array_agg(a) FROM peeked('everything') AS a) = (SELECT array_agg(a) FROM peeked('root') AS a) AS same;
-- lists and conditions of the published table hold for its partitions
SELECT * FROM peeked('listed');
SELECT kind, body FROM pg_logical_slot_peek_binary_changes('regress', NULL, NULL, 'publications', 'listed'), records(data);
SELECT count(*) FROM changes('root');
-- truncate; of a partition it does not say which rows of the published table are gone
TRUNCATE measure;
TRUNCATE measure_1, measure_2 RESTART IDENTITY;
TRUNCATE measure_3 CASCADE;
TRUNCATE measure_3_3;
TRUNCATE measure_1, measure;
CREATE PUBLICATION not_truncated FOR TABLE measure WITH (publish = 'insert, update, delete', publish_via_partition_root);
SELECT change FROM peeked('middle') AS change WHERE change::json->>'action' <> 'relation';
SELECT change FROM peeked('leaf') AS change WHERE change::json->>'action' <> 'relation';
SELECT change FROM peeked('leaf, middle') AS change WHERE change::json->>'action' <> 'relation';
SELECT kind, body FROM pg_logical_slot_peek_binary_changes('regress', NULL, NULL, 'publications', 'root'), records(data) WHERE kind IN ('T', 'C');
SELECT * FROM row_changes('root');
TRUNCATE measure_1;
SELECT * FROM row_changes('not_truncated');
-- what happens to the published table reaches its partitions
BEGIN;
INSERT INTO measure VALUES (1, 1);
ALTER TABLE measure RENAME TO reading;
INSERT INTO reading VALUES (2, 1);
ALTER TABLE reading RENAME body TO content;
INSERT INTO reading VALUES (3, 2, 'c');
ALTER TABLE reading ADD extra int DEFAULT 5;
INSERT INTO reading VALUES (4, 3);
ALTER PUBLICATION root SET (publish_via_partition_root = false);
INSERT INTO reading VALUES (5, 3);
ALTER PUBLICATION root SET (publish_via_partition_root = true);
ALTER TABLE reading DETACH PARTITION measure_3;
INSERT INTO measure_3 VALUES (6, 3);
INSERT INTO reading VALUES (7, 2);
COMMIT;
SELECT * FROM changes('root');
-- partitions with another identity than their table
DROP PUBLICATION listed;
ALTER TABLE measure_2 REPLICA IDENTITY FULL;
INSERT INTO reading VALUES (20, 1), (20, 2);
UPDATE reading SET content = 'x' WHERE id = 20;
DELETE FROM reading WHERE id = 20;
SELECT * FROM changes('root');
SELECT walgate.drop_slot('regress');
DROP FUNCTION peeked;
DROP PUBLICATION root, middle, leaf, everything, not_truncated;
DROP TABLE reading, measure_3;
