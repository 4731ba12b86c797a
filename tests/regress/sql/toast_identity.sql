-- toast_identity.sql: large values of several types that do not change, under each replica identity.
\pset format unaligned
\set VERBOSITY terse
-- Each value is shortened to its length and hash, an array or document to what it holds.
CREATE FUNCTION shortened(row_image json) RETURNS json LANGUAGE sql AS $$
  SELECT json_object_agg(key, CASE WHEN length(value) > 100 THEN format('%s bytes, md5 %s', length(value), md5(value))
                                   ELSE value END)
    FROM json_each_text(row_image);
$$;
CREATE FUNCTION short_changes(publications text)
RETURNS TABLE (action text, "table" text, "key" json, "old" json, "new" json, unchanged json) LANGUAGE sql AS $$
  SELECT change->>'action', change->>'table', shortened(change->'key'), shortened(change->'old'), shortened(change->'new'),
         change->'unchanged_toast'
    FROM (SELECT change::json FROM row_changes(publications) AS change) AS c;
$$;
CREATE FUNCTION text_of(size int) RETURNS text LANGUAGE sql AS $$
  SELECT left(string_agg(md5(i::text), '' ORDER BY i), size) FROM generate_series(1, size / 32 + 1) AS i;
$$;
CREATE TABLE by_default (id int PRIMARY KEY, texts text[], bytes bytea, doc jsonb, mega text, n int);
CREATE TABLE by_index (LIKE by_default INCLUDING ALL, code text NOT NULL UNIQUE);
ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_code_key;
CREATE TABLE by_full (LIKE by_default INCLUDING ALL);
ALTER TABLE by_full REPLICA IDENTITY FULL;
CREATE TABLE by_nothing (LIKE by_default INCLUDING ALL);
ALTER TABLE by_nothing REPLICA IDENTITY NOTHING;
CREATE PUBLICATION pub FOR TABLE by_default, by_index, by_full, by_nothing;
SELECT 'made' FROM walgate.create_slot('regress');
CREATE VIEW large AS
  SELECT 1 AS id, ARRAY[text_of(5000), NULL, 'short'] AS texts, decode(text_of(6000), 'hex') AS bytes,
         jsonb_build_object('k', text_of(7000), 'n', 1.50) AS doc, text_of(1 << 20) AS mega, 0 AS n;
SELECT md5(texts::text), md5(bytes::text), md5(doc::text), md5(mega), length(mega) FROM large;
INSERT INTO by_default SELECT * FROM large;
INSERT INTO by_index SELECT *, text_of(2000) FROM large;
INSERT INTO by_full SELECT * FROM large;
INSERT INTO by_nothing SELECT * FROM large;
SELECT * FROM short_changes('pub');
UPDATE by_default SET n = 1;
UPDATE by_index SET n = 1;
UPDATE by_full SET n = 1;
-- what rewrites the table behind the WAL does not change what the WAL holds
VACUUM FULL by_default, by_full;
UPDATE by_default SET n = 2;
UPDATE by_full SET n = 2;
SELECT * FROM short_changes('pub');
-- one of them changes, one becomes null, the key changes
UPDATE by_default SET texts[3] = 'long', doc = NULL;
UPDATE by_index SET bytes = '\x00', code = 'short';
UPDATE by_full SET mega = mega || '.';
UPDATE by_full SET texts = NULL, id = 2;
UPDATE by_default SET id = 2;
SELECT * FROM short_changes('pub');
DELETE FROM by_default;
DELETE FROM by_index;
DELETE FROM by_full;
SELECT * FROM short_changes('pub');
-- without an identity the server refuses; behind its back an update goes out without an address
UPDATE by_nothing SET n = 1;
ALTER PUBLICATION pub DROP TABLE by_nothing;
CREATE PUBLICATION only_inserts FOR TABLE by_nothing WITH (publish = 'insert');
BEGIN;
UPDATE by_nothing SET n = 0;
UPDATE pg_publication SET pubupdate = true, pubdelete = true WHERE pubname = 'only_inserts';
UPDATE by_nothing SET n = 1;
UPDATE by_nothing SET doc = '{"k": 1.50}';
DELETE FROM by_nothing;
COMMIT;
SELECT * FROM short_changes('only_inserts');
-- columns that were added with a default, without touching the rows, and dropped ones
CREATE TABLE aged (id int PRIMARY KEY, gone text, body text);
ALTER TABLE aged REPLICA IDENTITY FULL;
INSERT INTO aged VALUES (1, 'g', text_of(5000)), (2, NULL, NULL);
ALTER PUBLICATION pub ADD TABLE aged;
ALTER TABLE aged DROP gone;
ALTER TABLE aged ADD fresh int DEFAULT 7, ADD large text DEFAULT repeat('d', 200), ADD empty int;
UPDATE aged SET empty = 1 WHERE id = 1;
DELETE FROM aged;
SELECT * FROM short_changes('pub');
SELECT walgate.drop_slot('regress');
DROP PUBLICATION pub, only_inserts;
DROP VIEW large;
DROP TABLE by_default, by_index, by_full, by_nothing, aged;
DROP FUNCTION short_changes, shortened, text_of;
