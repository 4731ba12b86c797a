-- publication.sql: publications decide, at the position where they stood.
\pset format unaligned
\set VERBOSITY terse
CREATE SCHEMA sales;
CREATE TABLE sales.orders (id int PRIMARY KEY, total int, secret text);
CREATE TABLE sales.lines (id int PRIMARY KEY);
CREATE TABLE stock (id int PRIMARY KEY);
CREATE TABLE walgate.state (id int PRIMARY KEY);
CREATE PUBLICATION one FOR TABLE stock;
CREATE PUBLICATION by_schema FOR TABLES IN SCHEMA sales;
CREATE PUBLICATION everything FOR ALL TABLES;
CREATE PUBLICATION only_deletes FOR TABLE stock WITH (publish = 'delete');
SELECT 'made' FROM walgate.create_slot('regress');
CREATE FUNCTION peeked(publications text) RETURNS TABLE (action text, "table" text, "new" json) LANGUAGE sql AS $$
  SELECT data::json->>'action', data::json->>'table', data::json->'new'
    FROM pg_logical_slot_peek_changes('regress', NULL, NULL, 'format', 'json', 'publications', publications)
   WHERE data::json->>'action' NOT IN ('begin', 'commit', 'relation');
$$;
INSERT INTO sales.orders VALUES (1, 10, 's');
INSERT INTO sales.lines VALUES (1);
INSERT INTO stock VALUES (1);
UPDATE stock SET id = 2;
DELETE FROM stock;
INSERT INTO walgate.state VALUES (1);
SELECT * FROM peeked('one');
SELECT * FROM peeked('by_schema');
SELECT * FROM peeked('everything');
SELECT * FROM peeked('only_deletes');
SELECT * FROM peeked('only_deletes, by_schema');
SELECT count(*) FROM changes('one');
DROP PUBLICATION everything;
-- a table joins and leaves in the middle of a transaction
BEGIN;
INSERT INTO stock VALUES (10);
ALTER PUBLICATION one DROP TABLE stock;
INSERT INTO stock VALUES (11);
ALTER PUBLICATION one ADD TABLE stock;
INSERT INTO stock VALUES (12);
ALTER PUBLICATION one SET (publish = 'update');
INSERT INTO stock VALUES (13);
UPDATE stock SET id = 14 WHERE id = 13;
COMMIT;
ALTER PUBLICATION one SET (publish = 'insert, update, delete, truncate');
CREATE TABLE sales.later (id int PRIMARY KEY);
INSERT INTO sales.later VALUES (1);
SELECT * FROM row_changes('one, by_schema');
-- a publication that does not exist where it is needed; the slot stays usable
SELECT * FROM changes('one, nope');
INSERT INTO stock VALUES (20);
SELECT * FROM changes('one, nope');
SELECT * FROM row_changes('one');
-- column lists: a column travels when any publication has it
CREATE PUBLICATION few_columns FOR TABLE sales.orders (id, total);
CREATE PUBLICATION other_columns FOR TABLE sales.orders (secret, id);
INSERT INTO sales.orders VALUES (2, 20, 'hidden');
UPDATE sales.orders SET secret = 'x' WHERE id = 2;
DELETE FROM sales.orders WHERE id = 2;
SELECT * FROM peeked('few_columns');
SELECT "new" FROM peeked('few_columns, other_columns') WHERE action = 'insert';
SELECT "new" FROM peeked('few_columns, by_schema') WHERE action = 'insert';
SELECT * FROM relations('few_columns');
-- partitions go by their own names
CREATE TABLE measure (id int, day int, PRIMARY KEY (id, day)) PARTITION BY LIST (day);
CREATE TABLE measure_1 PARTITION OF measure FOR VALUES IN (1);
CREATE TABLE measure_2 (day int NOT NULL, extra text, id int NOT NULL);
ALTER TABLE measure_2 DROP extra;
ALTER TABLE measure ATTACH PARTITION measure_2 FOR VALUES IN (2);
CREATE PUBLICATION partitioned FOR TABLE measure;
INSERT INTO measure VALUES (1, 1), (2, 2);
UPDATE measure SET day = 2 WHERE id = 1;
ALTER TABLE measure DETACH PARTITION measure_1;
INSERT INTO measure_1 VALUES (5, 1);
SELECT * FROM row_changes('partitioned');
-- inheritance
CREATE TABLE animal (id int PRIMARY KEY);
CREATE TABLE dog (PRIMARY KEY (id)) INHERITS (animal);
CREATE TABLE cat (PRIMARY KEY (id)) INHERITS (animal);
CREATE PUBLICATION animals FOR TABLE animal, ONLY cat;
INSERT INTO dog VALUES (1);
ALTER TABLE dog NO INHERIT animal;
SELECT * FROM row_changes('animals');
-- a renamed publication is another one
ALTER PUBLICATION one RENAME TO uno;
INSERT INTO stock VALUES (30);
SELECT * FROM row_changes('uno');
SELECT walgate.drop_slot('regress');
DROP FUNCTION peeked;
DROP PUBLICATION uno, by_schema, only_deletes, few_columns, other_columns, partitioned, animals;
DROP SCHEMA sales CASCADE;
DROP TABLE stock, walgate.state, measure, measure_1, animal, dog, cat;
