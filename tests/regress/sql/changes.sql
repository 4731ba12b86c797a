-- changes.sql: each kind of change, as people read it.
\pset format unaligned
\set VERBOSITY terse
CREATE TABLE item (id int PRIMARY KEY, name text, qty int DEFAULT 1, twice int GENERATED ALWAYS AS (qty * 2) STORED);
CREATE TABLE other (id int PRIMARY KEY);
CREATE PUBLICATION pub FOR TABLE item;
SELECT 'made' FROM walgate.create_slot('regress');
INSERT INTO item VALUES (1, 'bolt'), (2, NULL);
INSERT INTO other VALUES (1);
UPDATE item SET name = 'nut' WHERE id = 2;
UPDATE item SET id = 3 WHERE id = 2;
-- two keys change places through a third
BEGIN;
UPDATE item SET id = 9 WHERE id = 1;
UPDATE item SET id = 1 WHERE id = 3;
UPDATE item SET id = 3 WHERE id = 9;
COMMIT;
INSERT INTO item VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = excluded.name;
INSERT INTO item VALUES (1, 'y') ON CONFLICT DO NOTHING;
DELETE FROM item WHERE id = 1;
DELETE FROM item WHERE id = 100;
COPY item (id, name) FROM stdin;
10	ten
11	\N
\.
MERGE INTO item USING (VALUES (10), (12)) AS v (id) ON item.id = v.id
  WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (v.id, 'merged');
SELECT * FROM changes('pub');
-- nothing is left, and the slot has moved
SELECT * FROM changes('pub');
-- wide: a frame's worth of columns, all but one null
DO $$
BEGIN
  EXECUTE (SELECT format('CREATE TABLE wide (id int PRIMARY KEY, %s)', string_agg(format('c%s int', i), ', '))
             FROM generate_series(1, 1500) AS i);
END $$;
ALTER PUBLICATION pub SET TABLE wide;
INSERT INTO wide (id, c1500) VALUES (1, 7);
SELECT json_object_agg(key, value) FROM row_changes('pub') AS change, json_each(change::json->'new') WHERE value::text <> 'null';
SELECT walgate.drop_slot('regress');
DROP PUBLICATION pub;
DROP TABLE item, other, wide;
