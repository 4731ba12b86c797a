-- corpus.sql: small sessions that between them hold every kind of record; read by make-corpus.
\pset format unaligned
\pset tuples_only on
CREATE TABLE item (id int PRIMARY KEY, name varchar(5), price numeric(10,2), body text);
ALTER TABLE item ALTER body SET STORAGE EXTERNAL;
CREATE TYPE mood AS ENUM ('ok', 'bad');
CREATE TABLE full_row (a int, m mood, list int[]);
ALTER TABLE full_row REPLICA IDENTITY FULL;
CREATE TABLE generated (a int, k int GENERATED ALWAYS AS (a + 1) STORED, n int PRIMARY KEY);
CREATE PUBLICATION pub FOR TABLE item, full_row, generated;
SELECT 'made' FROM walgate.create_slot('corpus');
CREATE FUNCTION frames(name text) RETURNS SETOF text LANGUAGE sql AS $$
  SELECT format('frame %s %s', name, encode(data, 'hex'))
    FROM pg_logical_slot_get_binary_changes('corpus', NULL, NULL, 'publications', 'pub', 'messages', 'true');
$$;
INSERT INTO item VALUES (1, 'bolt', 1.50, NULL), (2, NULL, NULL, 'x');
UPDATE item SET name = 'nut' WHERE id = 1;
UPDATE item SET id = 3 WHERE id = 1;
DELETE FROM item WHERE id = 2;
SELECT * FROM frames('changes');
INSERT INTO full_row VALUES (1, 'ok', '{1,NULL,3}'), (NULL, NULL, NULL);
UPDATE full_row SET m = 'bad' WHERE a = 1;
DELETE FROM full_row WHERE a IS NULL;
SELECT * FROM frames('full_identity');
INSERT INTO generated VALUES (1, DEFAULT, 1);
TRUNCATE item, full_row RESTART IDENTITY;
SELECT * FROM frames('truncate');
SELECT 'said' FROM pg_logical_emit_message(false, 'walgate', 'alone');
BEGIN;
SELECT 'said' FROM pg_logical_emit_message(true, 'app', '\x00ff'::bytea);
INSERT INTO generated VALUES (2, DEFAULT, 2);
ALTER TABLE generated ALTER n TYPE bigint;
INSERT INTO generated VALUES (3, DEFAULT, 3);
COMMIT;
SELECT * FROM frames('rewrite_and_messages');
INSERT INTO item VALUES (5, 'a', 0, repeat('x', 3000));
SELECT 'moved' FROM pg_replication_slot_advance('corpus', pg_current_wal_lsn());
UPDATE item SET name = 'b';
SELECT * FROM frames('unchanged_toast');
SELECT walgate.drop_slot('corpus');
