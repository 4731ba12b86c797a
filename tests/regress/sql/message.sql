-- message.sql: our own messages always travel, others on request.
\pset format unaligned
CREATE TABLE item (id int PRIMARY KEY);
CREATE PUBLICATION pub FOR TABLE item;
SELECT 'made' FROM walgate.create_slot('regress');
CREATE FUNCTION say() RETURNS void LANGUAGE sql AS $$
  SELECT pg_logical_emit_message(false, 'walgate.at_once', 'é "quoted"');
  SELECT pg_logical_emit_message(true, 'walgate.inside', '');
  SELECT pg_logical_emit_message(true, 'other', 'foreign');
  SELECT pg_logical_emit_message(false, 'other', 'foreign');
$$;
BEGIN;
INSERT INTO item VALUES (1);
SELECT say();
ROLLBACK;
SELECT flush_wal();
SELECT * FROM changes('pub', 'messages', 'true');
BEGIN;
SELECT say();
INSERT INTO item VALUES (1);
COMMIT;
SELECT * FROM changes('pub');
SELECT say();
SELECT flush_wal();
SELECT * FROM changes('pub', 'messages', 'true');
-- bytes that are no text
SELECT 'said' FROM pg_logical_emit_message(true, 'walgate', '\x00fe'::bytea);
SELECT * FROM changes('pub');
SELECT say();
SELECT flush_wal();
SELECT kind, body FROM pg_logical_slot_get_binary_changes('regress', NULL, NULL, 'publications', 'pub'), records(data);
-- a prefix that does not fit is cut
SELECT 'said' FROM pg_logical_emit_message(true, 'walgate' || repeat('é', 40000), 'x');
SELECT length(body) FROM pg_logical_slot_get_binary_changes('regress', NULL, NULL, 'publications', 'pub'), records(data) WHERE kind = 'M';
SELECT walgate.drop_slot('regress');
DROP FUNCTION say;
DROP PUBLICATION pub;
DROP TABLE item;
