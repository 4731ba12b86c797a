-- identity.sql: an old image is what the replica identity makes of it, and a change without one is not dropped.
\pset format unaligned
\set VERBOSITY terse
CREATE TABLE by_key (b text, a int, c text, PRIMARY KEY (a, b));
CREATE TABLE by_index (id int PRIMARY KEY, code text NOT NULL, note text);
CREATE UNIQUE INDEX by_index_code ON by_index (code);
ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_code;
CREATE TABLE by_row (a int, b text);
ALTER TABLE by_row REPLICA IDENTITY FULL;
CREATE TABLE by_nothing (id int PRIMARY KEY, note text);
ALTER TABLE by_nothing REPLICA IDENTITY NOTHING;
CREATE TABLE keyless (a int);
CREATE TABLE deferred (id int PRIMARY KEY DEFERRABLE);
INSERT INTO by_nothing VALUES (1, 'one'), (2, 'two');
INSERT INTO keyless VALUES (1), (2);
CREATE PUBLICATION pub FOR TABLE by_key, by_index, by_row, deferred;
SELECT 'made' FROM walgate.create_slot('regress');
INSERT INTO by_key VALUES ('x', 1, 'c');
UPDATE by_key SET c = 'd';
UPDATE by_key SET b = 'y';
DELETE FROM by_key;
INSERT INTO by_index VALUES (1, 'A', 'n');
UPDATE by_index SET id = 2;
UPDATE by_index SET code = 'B';
DELETE FROM by_index;
INSERT INTO by_row VALUES (1, 'x'), (NULL, NULL);
UPDATE by_row SET b = 'y' WHERE a = 1;
UPDATE by_row SET b = 'z' WHERE a IS NULL;
DELETE FROM by_row WHERE a IS NULL;
INSERT INTO deferred VALUES (1);
UPDATE deferred SET id = 2;
SELECT * FROM row_changes('pub');
-- The server refuses such changes of a published table.  Here the catalog is changed behind its back: a change
-- without an address is sent as it is, and the reader decides.
CREATE PUBLICATION only_inserts FOR TABLE by_nothing, keyless WITH (publish = 'insert');
BEGIN;
UPDATE by_nothing SET note = 'not sent' WHERE id = 1;
DELETE FROM keyless WHERE a = 1;
UPDATE pg_publication SET pubupdate = true, pubdelete = true WHERE pubname = 'only_inserts';
UPDATE by_nothing SET note = 'sent' WHERE id = 1;
DELETE FROM by_nothing WHERE id = 2;
DELETE FROM keyless WHERE a = 2;
COMMIT;
SELECT * FROM row_changes('only_inserts');
-- the index of the identity goes
ALTER TABLE by_index REPLICA IDENTITY DEFAULT;
INSERT INTO by_index VALUES (5, 'E', 'n');
UPDATE by_index SET code = 'F';
UPDATE by_index SET id = 6;
SELECT * FROM changes('pub') AS change WHERE change::json->>'action' IN ('relation', 'insert', 'update');
SELECT walgate.drop_slot('regress');
DROP PUBLICATION pub, only_inserts;
DROP TABLE by_key, by_index, by_row, by_nothing, keyless, deferred;
