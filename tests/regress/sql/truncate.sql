-- truncate.sql: one record per command, with the published tables only.
\pset format unaligned
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id serial PRIMARY KEY, parent_id int REFERENCES parent);
CREATE TABLE private (id int PRIMARY KEY);
CREATE TABLE measure (id int, day int) PARTITION BY LIST (day);
CREATE TABLE measure_1 PARTITION OF measure FOR VALUES IN (1);
CREATE TABLE measure_2 PARTITION OF measure FOR VALUES IN (2);
CREATE PUBLICATION pub FOR TABLE parent, child;
CREATE PUBLICATION partitioned FOR TABLE measure;
CREATE PUBLICATION without_truncate FOR TABLE private WITH (publish = 'insert');
SELECT 'made' FROM walgate.create_slot('regress');
TRUNCATE private;
TRUNCATE private, child;
\set VERBOSITY terse
TRUNCATE parent CASCADE;
TRUNCATE parent, child RESTART IDENTITY;
TRUNCATE measure;
TRUNCATE ONLY measure_2;
BEGIN;
INSERT INTO parent VALUES (1);
TRUNCATE parent, child;
INSERT INTO parent VALUES (1);
COMMIT;
SELECT * FROM changes('pub, partitioned, without_truncate');
TRUNCATE parent, child RESTART IDENTITY CASCADE;
SELECT kind, body FROM pg_logical_slot_get_binary_changes('regress', NULL, NULL, 'publications', 'pub'), records(data);
SELECT walgate.drop_slot('regress');
DROP PUBLICATION pub, partitioned, without_truncate;
DROP TABLE parent, child, private, measure;
