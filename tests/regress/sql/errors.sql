-- errors.sql: whatever stops a session leaves the slot where it was, and usable.
\pset format unaligned
\set VERBOSITY terse
CREATE TABLE item (id int PRIMARY KEY, divisor int, body text);
ALTER TABLE item ALTER body SET STORAGE EXTERNAL;
CREATE PUBLICATION pub FOR TABLE item;
SELECT 'made' FROM walgate.create_slot('regress');
CREATE FUNCTION state() RETURNS TABLE (stays boolean, active boolean) LANGUAGE sql AS $$
  SELECT confirmed_flush_lsn = current_setting('regress.before')::pg_lsn, active
    FROM pg_replication_slots WHERE slot_name = 'regress';
$$;
SELECT confirmed_flush_lsn AS before FROM pg_replication_slots WHERE slot_name = 'regress' \gset
SET regress.before = :'before';
BEGIN;
INSERT INTO item VALUES (1, 1, 'a'), (2, 0, 'b'), (3, 3, 'c');
COMMIT;
-- options, publication, encoding
SELECT * FROM changes('pub', 'limit', 'x');
SELECT * FROM changes('pub', 'protocol', '2');
SELECT * FROM changes('pub', 'origin', '');
SELECT * FROM changes('');
SELECT * FROM changes('nobody');
SET client_encoding = 'LATIN1';
SELECT count(*) FROM pg_logical_slot_get_binary_changes('regress', NULL, NULL, 'publications', 'pub');
RESET client_encoding;
SELECT * FROM state();
-- a wrong kind of reading
SELECT count(*) FROM pg_logical_slot_get_changes('regress', NULL, NULL, 'publications', 'pub');
SELECT * FROM state();
-- in the middle of a transaction: the reader ends by itself, or is ended
BEGIN;
DECLARE reader CURSOR FOR SELECT * FROM pg_logical_slot_peek_changes('regress', NULL, NULL, 'format', 'json', 'publications', 'pub');
FETCH 1 FROM reader \gset ignored_
ROLLBACK;
SELECT * FROM state();
DO $$
BEGIN
  PERFORM 1 / (data::json->'new'->>'divisor')::int
    FROM pg_logical_slot_peek_changes('regress', NULL, NULL, 'format', 'json', 'publications', 'pub');
EXCEPTION WHEN division_by_zero THEN
  RAISE NOTICE 'ended';
END $$;
SELECT * FROM state();
-- a row filter that fails for one row
SELECT count(*) FROM changes('pub');
ALTER PUBLICATION pub SET TABLE item WHERE (id = 1 OR 10 / divisor > 0);
ALTER TABLE item REPLICA IDENTITY FULL;
SELECT confirmed_flush_lsn AS before FROM pg_replication_slots WHERE slot_name = 'regress' \gset
SET regress.before = :'before';
INSERT INTO item VALUES (4, 4, 'd'), (5, 0, 'e'), (6, 6, 'f');
SELECT * FROM changes('pub');
SELECT * FROM state();
SELECT * FROM changes('pub');
CREATE PUBLICATION whole FOR TABLE item;
-- a publication is looked for at each position: one that is newer than the change does not exist there
SELECT count(*) FROM changes('whole');
SELECT * FROM state();
-- past the accident all goes on
SELECT 'moved' FROM pg_replication_slot_advance('regress', pg_current_wal_lsn());
ALTER PUBLICATION pub SET TABLE item;
INSERT INTO item VALUES (7, 0, 'g');
SELECT * FROM row_changes('pub');
-- a send function that fails; text does not use it
SET client_min_messages = warning;
CREATE TYPE pair;
CREATE FUNCTION pair_in(cstring) RETURNS pair LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION pair_out(pair) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE FUNCTION pair_recv(internal) RETURNS pair LANGUAGE internal IMMUTABLE STRICT AS 'textrecv';
CREATE FUNCTION pair_send(pair) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'shell_out';
CREATE TYPE pair (INPUT = pair_in, OUTPUT = pair_out, RECEIVE = pair_recv, SEND = pair_send, LIKE = text);
RESET client_min_messages;
CREATE TABLE odd (id int PRIMARY KEY, p pair);
ALTER PUBLICATION pub ADD TABLE odd;
INSERT INTO odd VALUES (1, 'x'), (2, 'y');
SELECT count(*) FROM pg_logical_slot_peek_binary_changes('regress', NULL, NULL, 'publications', 'pub');
SELECT count(*) FROM pg_logical_slot_peek_binary_changes('regress', NULL, NULL, 'publications', 'pub');
SELECT * FROM row_changes('pub');
SELECT walgate.drop_slot('regress');
DROP PUBLICATION pub, whole;
DROP TABLE item, odd;
DROP TYPE pair CASCADE;
DROP FUNCTION state;
