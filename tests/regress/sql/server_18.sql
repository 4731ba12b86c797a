-- server_18.sql: what PostgreSQL 18 has brought: virtual generated columns, publishing of stored ones, and keys over ranges
-- that do not overlap.  There server_18_1.out is expected; on older servers there is nothing to test.
\pset format unaligned
\set VERBOSITY terse
SELECT current_setting('server_version_num')::int < 180000 AS older \gset
\if :older
\quit
\endif
CREATE TABLE item (id int PRIMARY KEY, v int GENERATED ALWAYS AS (id * 2) VIRTUAL, s int GENERATED ALWAYS AS (id * 3) STORED, t text);
CREATE TABLE whole (id int, s int GENERATED ALWAYS AS (id * 3) STORED);
ALTER TABLE whole REPLICA IDENTITY FULL;
CREATE TABLE by_generated (a int, k int GENERATED ALWAYS AS (a + 1) STORED PRIMARY KEY);
CREATE PUBLICATION none FOR TABLE item;
CREATE PUBLICATION stored FOR TABLE item, whole, by_generated WITH (publish_generated_columns = stored);
CREATE PUBLICATION listed FOR TABLE item (id, s);
CREATE PUBLICATION filtered FOR TABLE item WHERE (v > 10);
SELECT 'made' FROM walgate.create_slot('regress');
CREATE FUNCTION peeked(publications text) RETURNS SETOF json LANGUAGE sql AS $$
  SELECT data::json FROM pg_logical_slot_peek_changes('regress', NULL, NULL, 'format', 'json', 'publications', publications)
   WHERE data::json->>'action' NOT IN ('begin', 'commit');
$$;
INSERT INTO item (id, t) VALUES (1, 'a');
UPDATE item SET t = 'b';
UPDATE item SET id = 6;
DELETE FROM item;
INSERT INTO whole VALUES (1);
UPDATE whole SET id = 2;
DELETE FROM whole;
INSERT INTO by_generated VALUES (1);
UPDATE by_generated SET a = 2;
DELETE FROM by_generated;
SELECT * FROM peeked('none');
SELECT * FROM peeked('stored');
SELECT * FROM peeked('listed');
SELECT * FROM peeked('none, listed');
SELECT kind, body FROM pg_logical_slot_peek_binary_changes('regress', NULL, NULL, 'publications', 'stored'), records(data)
 WHERE kind IN ('R', 'I', 'U');
-- a condition may hold a virtual column only where updates and deletes are not published
ALTER PUBLICATION filtered SET (publish = 'insert');
INSERT INTO item (id, t) VALUES (5, 'no'), (7, 'yes');
SELECT * FROM peeked('filtered');
SELECT 'moved' FROM pg_replication_slot_advance('regress', pg_current_wal_lsn());
INSERT INTO item (id, t) VALUES (4, 'no'), (8, 'yes');
SELECT * FROM peeked('filtered');
-- a publication that changes its mind; then the server refuses what is found by a generated column
INSERT INTO whole VALUES (3);
ALTER PUBLICATION stored SET (publish_generated_columns = none);
INSERT INTO whole VALUES (4);
UPDATE whole SET id = 5 WHERE id = 4;
SELECT * FROM row_changes('stored');
CREATE TABLE with_virtual (id int PRIMARY KEY, v int GENERATED ALWAYS AS (id * 2) VIRTUAL);
ALTER TABLE with_virtual REPLICA IDENTITY FULL;
ALTER PUBLICATION stored ADD TABLE with_virtual;
SELECT name, object, finding, remedy FROM walgate.check_source('stored') WHERE object ~ '^table';
ALTER PUBLICATION stored SET (publish_generated_columns = stored);
SELECT name, object, finding, remedy FROM walgate.check_source('stored') WHERE object ~ '^table';
-- a key over a range
CREATE TABLE booking (room int4range, span int4range, note text, PRIMARY KEY (room, span WITHOUT OVERLAPS));
ALTER PUBLICATION none SET TABLE booking;
SELECT name FROM walgate.check_source('none') WHERE object ~ 'booking';
INSERT INTO booking VALUES ('[1,2)', '[1,3)', 'a'), ('[1,2)', '[5,6]', 'b');
UPDATE booking SET note = 'c' WHERE span @> 1;
UPDATE booking SET span = '[10,11)' WHERE note = 'b';
DELETE FROM booking WHERE note = 'c';
SELECT * FROM changes('none');
SELECT walgate.drop_slot('regress');
DROP FUNCTION peeked;
DROP PUBLICATION none, stored, listed, filtered;
DROP TABLE booking, with_virtual, item, whole, by_generated;
