-- frame.sql: the binary format follows its grammar.
\pset format unaligned
CREATE TABLE item (id int PRIMARY KEY, name varchar(5), price numeric(10,2));
CREATE TABLE "Odd ""one" ("A b" bigint PRIMARY KEY);
CREATE TABLE whole (a int, b text);
ALTER TABLE whole REPLICA IDENTITY FULL;
CREATE PUBLICATION pub FOR TABLE item, "Odd ""one", whole;
SELECT 'made' FROM walgate.create_slot('regress');
INSERT INTO item VALUES (1, 'bolt', 1.5);
SELECT 'said' FROM pg_logical_emit_message(false, 'walgate.note', 'hi');
BEGIN;
UPDATE item SET name = NULL;
UPDATE item SET id = 2;
INSERT INTO "Odd ""one" VALUES (-1);
INSERT INTO whole VALUES (1, 'x');
UPDATE whole SET b = '';
DELETE FROM whole;
DELETE FROM item;
TRUNCATE item, whole;
COMMIT;
SELECT frame, kind, body FROM
  (SELECT row_number() OVER () AS frame, data FROM pg_logical_slot_peek_binary_changes('regress', NULL, NULL, 'publications', 'pub')) AS f,
  records(data);
-- byte by byte, but for what differs from run to run
SELECT encode(substring(data FROM 1 FOR 5 + 8 + 2), 'hex') AS hello, encode(substring(data FROM length(data) - 28), 'hex') ~ '^43000000180{8}' AS commit
  FROM pg_logical_slot_peek_binary_changes('regress', NULL, NULL, 'publications', 'pub') LIMIT 1;
-- a session begins with hello, and each session describes anew
SELECT count(*) FROM pg_logical_slot_get_binary_changes('regress', NULL, NULL, 'publications', 'pub');
INSERT INTO item VALUES (3, 'c', 0);
SELECT kind FROM pg_logical_slot_get_binary_changes('regress', NULL, NULL, 'publications', 'pub'), records(data);
SELECT walgate.drop_slot('regress');
DROP PUBLICATION pub;
DROP TABLE item, "Odd ""one", whole;
