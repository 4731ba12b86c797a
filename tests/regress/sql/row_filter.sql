-- row_filter.sql: the conditions of publications decide row by row.
\pset format unaligned
\set VERBOSITY terse
CREATE TABLE item (id int, kind text, note text, PRIMARY KEY (id, kind));
CREATE TABLE big (id int PRIMARY KEY, open bool NOT NULL, body text);
CREATE UNIQUE INDEX big_identity ON big (id, open);
ALTER TABLE big REPLICA IDENTITY USING INDEX big_identity;
ALTER TABLE big ALTER body SET STORAGE EXTERNAL;
CREATE PUBLICATION tools FOR TABLE item WHERE (kind = 'tool');
CREATE PUBLICATION low FOR TABLE item WHERE (id < 10) WITH (publish = 'insert, delete');
CREATE PUBLICATION whole FOR TABLE item WITH (publish = 'delete');
CREATE PUBLICATION noted FOR TABLE item (id, kind) WHERE (note IS NOT NULL AND length(note) > 2) WITH (publish = 'insert');
CREATE PUBLICATION opened FOR TABLE big WHERE (open);
CREATE FUNCTION peeked(publications text) RETURNS TABLE (action text, change json) LANGUAGE sql AS $$
  SELECT data::json->>'action', json_strip_nulls(json_build_object('key', data::json->'key', 'new', data::json->'new'))
    FROM pg_logical_slot_peek_changes('regress', NULL, NULL, 'format', 'json', 'publications', publications)
   WHERE data::json->>'action' NOT IN ('relation');
$$;
SELECT 'made' FROM walgate.create_slot('regress');
INSERT INTO item VALUES (1, 'tool', 'long'), (2, 'toy', 'x'), (11, 'tool', NULL), (12, 'toy', 'long');
-- inside, into, out of and outside the filter
UPDATE item SET note = 'n';
UPDATE item SET kind = 'tool' WHERE id = 2;
UPDATE item SET kind = 'toy' WHERE id = 1;
UPDATE item SET kind = 'food' WHERE id = 12;
UPDATE item SET id = 13 WHERE id = 11;
DELETE FROM item;
SELECT * FROM peeked('tools');
-- a condition stands before each operation alone, and one publication without it opens the operation
SELECT * FROM peeked('low');
SELECT * FROM peeked('tools, low');
SELECT action, count(*) FROM peeked('tools, whole') GROUP BY action ORDER BY action;
-- a column that is tested need not be published
SELECT * FROM peeked('noted');
SELECT count(*) FROM changes('tools');
-- the condition changes in the middle
BEGIN;
INSERT INTO item VALUES (20, 'tool'), (21, 'toy');
ALTER PUBLICATION tools SET TABLE item WHERE (kind = 'toy');
INSERT INTO item VALUES (22, 'tool'), (23, 'toy');
COMMIT;
SELECT * FROM row_changes('tools');
-- an update into the filter is an insert, which needs every value; without them it says so, and the stream goes on
INSERT INTO big VALUES (1, false, repeat('x', 5000)), (2, false, 'short');
UPDATE big SET open = true WHERE id = 2;
SELECT * FROM row_changes('opened');
UPDATE big SET open = true WHERE id = 1;
DELETE FROM big WHERE id = 2;
SELECT kind, body FROM pg_logical_slot_peek_binary_changes('regress', NULL, NULL, 'publications', 'opened'), records(data)
 WHERE kind IN ('I', 'U', 'D');
SELECT * FROM row_changes('opened');
-- identity FULL holds them
ALTER TABLE big REPLICA IDENTITY FULL;
UPDATE big SET open = false WHERE id = 1;
UPDATE big SET open = true WHERE id = 1;
SELECT regexp_replace(change, 'x+', 'x…', 'g') FROM row_changes('opened') AS change;
SELECT walgate.drop_slot('regress');
DROP FUNCTION peeked;
DROP PUBLICATION tools, low, whole, noted, opened;
DROP TABLE item, big;
