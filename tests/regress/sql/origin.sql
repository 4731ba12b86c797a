-- origin.sql: what another replication brought carries its origin, and option "origin" = none leaves it out.
\pset format unaligned
\set VERBOSITY terse
CREATE TABLE item (id int PRIMARY KEY);
CREATE PUBLICATION pub FOR TABLE item;
SELECT 'made' FROM walgate.create_slot('regress');
SELECT 'made' FROM pg_replication_origin_create('regress "origin"');
SELECT 'made' FROM pg_replication_origin_create('regress_dropped');
CREATE FUNCTION peeked(origin text) RETURNS TABLE (action text, origin_name text, "new" json, "content" text)
LANGUAGE sql AS $$
  SELECT data::json->>'action', data::json->>'origin', data::json->'new', data::json->>'content'
    FROM pg_logical_slot_peek_changes('regress', NULL, NULL, 'format', 'json', 'publications', 'pub', 'origin', origin)
   WHERE data::json->>'action' <> 'relation';
$$;
INSERT INTO item VALUES (1);
SELECT pg_replication_origin_session_setup('regress "origin"');
INSERT INTO item VALUES (2);
SELECT 'said' FROM pg_logical_emit_message(true, 'walgate', 'from elsewhere');
SELECT 'said' FROM pg_logical_emit_message(false, 'walgate', 'from elsewhere, alone');
BEGIN;
INSERT INTO item VALUES (3);
SAVEPOINT a;
INSERT INTO item VALUES (4);
PREPARE TRANSACTION 'regress_origin';
COMMIT PREPARED 'regress_origin';
SELECT pg_replication_origin_session_reset();
BEGIN;
SELECT pg_replication_origin_session_setup('regress_dropped');
INSERT INTO item VALUES (5);
COMMIT;
SELECT pg_replication_origin_session_reset();
SELECT pg_replication_origin_drop('regress_dropped');
INSERT INTO item VALUES (6);
SELECT * FROM peeked('any');
SELECT * FROM peeked('none');
SELECT kind, body FROM pg_logical_slot_peek_binary_changes('regress', NULL, NULL, 'publications', 'pub', 'origin', 'none'),
  records(data);
SELECT * FROM peeked('other');
SELECT count(*) FROM changes('pub', 'origin', 'none');
SELECT count(*) FROM changes('pub');
SELECT walgate.drop_slot('regress');
SELECT pg_replication_origin_drop('regress "origin"');
DROP FUNCTION peeked;
DROP PUBLICATION pub;
DROP TABLE item;
