-- toast.sql: a value that lies in the TOAST table and did not change is a state of its own, not null.
\pset format unaligned
\set VERBOSITY terse
CREATE FUNCTION short_changes(publications text) RETURNS SETOF text LANGUAGE sql AS $$
  SELECT regexp_replace(regexp_replace(change, '(x{20})x+', '\1…', 'g'), '(y{20})y+', '\1…', 'g')
    FROM row_changes(publications) AS change;
$$;
CREATE TABLE doc (id int PRIMARY KEY, body text, note text, packed text);
ALTER TABLE doc ALTER body SET STORAGE EXTERNAL;
CREATE TABLE big_key (k text PRIMARY KEY, n int);
ALTER TABLE big_key ALTER k SET STORAGE EXTERNAL;
CREATE TABLE doc_full (id int PRIMARY KEY, body text, note text);
ALTER TABLE doc_full ALTER body SET STORAGE EXTERNAL;
ALTER TABLE doc_full REPLICA IDENTITY FULL;
CREATE PUBLICATION pub FOR TABLE doc, big_key, doc_full;
SELECT 'made' FROM walgate.create_slot('regress');
INSERT INTO doc VALUES (1, repeat('x', 10000), 'n', repeat('y', 10000));
UPDATE doc SET note = 'm';
UPDATE doc SET body = repeat('x', 9000) || 'end';
UPDATE doc SET id = 2;
UPDATE doc SET body = NULL;
DELETE FROM doc;
SELECT * FROM short_changes('pub');
-- under identity FULL the old row holds the value
INSERT INTO doc_full VALUES (1, repeat('x', 10000), 'n');
UPDATE doc_full SET note = 'm';
DELETE FROM doc_full;
SELECT * FROM short_changes('pub');
-- a TOASTed key is logged with each update
INSERT INTO big_key VALUES (repeat('x', 2500), 1);
UPDATE big_key SET n = 2;
SELECT * FROM short_changes('pub');
-- the length in the frame
INSERT INTO doc VALUES (1, repeat('x', 10000), NULL, NULL);
SELECT count(*) FROM changes('pub');
UPDATE doc SET note = 'm';
SELECT body FROM pg_logical_slot_get_binary_changes('regress', NULL, NULL, 'publications', 'pub'), records(data) WHERE kind = 'U';
SELECT walgate.drop_slot('regress');
DROP PUBLICATION pub;
DROP TABLE doc, big_key, doc_full;
DROP FUNCTION short_changes;
