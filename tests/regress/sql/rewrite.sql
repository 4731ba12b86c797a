-- rewrite.sql: what ALTER TABLE writes into rows that are there already is not in the stream, but that it did so is.
\pset format unaligned
CREATE TABLE item (id int PRIMARY KEY, qty int, body text);
ALTER TABLE item ALTER body SET STORAGE EXTERNAL;
CREATE TABLE private (id int PRIMARY KEY);
CREATE TABLE vacant (id int PRIMARY KEY);
CREATE PUBLICATION pub FOR TABLE item, vacant;
SELECT 'made' FROM walgate.create_slot('regress');
INSERT INTO item VALUES (1, 10, repeat('x', 5000)), (2, 20, 'short');
INSERT INTO private VALUES (1);
SELECT count(*) FROM changes('pub');
-- values made by the rewrite, and rows before and after it in one transaction
ALTER TABLE item ALTER qty TYPE numeric USING qty / 3.0;
SELECT * FROM changes('pub');
BEGIN;
INSERT INTO item VALUES (3, 30, 'before');
ALTER TABLE item ADD made timestamptz DEFAULT clock_timestamp();
INSERT INTO item VALUES (4, 40, 'after', 'epoch');
ALTER TABLE item ALTER id TYPE bigint;
UPDATE item SET body = 'end' WHERE id = 4;
COMMIT;
SELECT * FROM changes('pub');
ALTER TABLE item DROP made;
ALTER TABLE item ADD made text DEFAULT random()::text;
SELECT kind, body FROM pg_logical_slot_get_binary_changes('regress', NULL, NULL, 'publications', 'pub'), records(data);
-- the rows stay what they were, or there are none, or the table is not published, or it did not happen
VACUUM FULL item;
CLUSTER item USING item_pkey;
ALTER TABLE item ADD constant int DEFAULT 1, ALTER body TYPE varchar;
ALTER TABLE vacant ALTER id TYPE bigint;
ALTER TABLE private ALTER id TYPE bigint;
CREATE MATERIALIZED VIEW seen AS SELECT id FROM item;
REFRESH MATERIALIZED VIEW seen;
TRUNCATE private;
BEGIN;
ALTER TABLE item ALTER constant TYPE bigint;
ROLLBACK;
SELECT * FROM changes('pub');
-- made, filled and rewritten in one transaction; rewritten and dropped in one
BEGIN;
CREATE TABLE fresh (id int PRIMARY KEY);
ALTER PUBLICATION pub ADD TABLE fresh;
INSERT INTO fresh VALUES (1);
ALTER TABLE fresh ALTER id TYPE bigint;
INSERT INTO fresh VALUES (2);
COMMIT;
BEGIN;
ALTER TABLE fresh ALTER id TYPE int;
DROP TABLE fresh;
COMMIT;
SELECT * FROM changes('pub');
-- partitions under their own names, and under that of the table above
CREATE TABLE measure (id int, day int, PRIMARY KEY (id, day)) PARTITION BY LIST (day);
CREATE TABLE measure_1 PARTITION OF measure FOR VALUES IN (1);
CREATE TABLE measure_2 PARTITION OF measure FOR VALUES IN (2);
CREATE PUBLICATION leaves FOR TABLE measure;
CREATE PUBLICATION root FOR TABLE measure WITH (publish_via_partition_root);
INSERT INTO measure VALUES (1, 1), (2, 2);
SELECT count(*) FROM changes('root');
ALTER TABLE measure ALTER id TYPE bigint;
SELECT data::json->>'action' AS action, data::json->>'table' AS table
  FROM pg_logical_slot_peek_changes('regress', NULL, NULL, 'format', 'json', 'publications', 'leaves');
SELECT data::json->>'action' AS action, data::json->>'table' AS table
  FROM pg_logical_slot_get_changes('regress', NULL, NULL, 'format', 'json', 'publications', 'root');
-- an unlogged table is not published; made a logged one it is, with rows that were never sent
CREATE PUBLICATION everything FOR ALL TABLES;
CREATE UNLOGGED TABLE loaded (id int PRIMARY KEY);
INSERT INTO loaded VALUES (1);
BEGIN;
ALTER TABLE loaded SET LOGGED;
INSERT INTO loaded VALUES (2);
COMMIT;
SELECT change FROM changes('everything') AS change WHERE change::json->>'table' = 'loaded';
ALTER TABLE loaded SET UNLOGGED;
ALTER TABLE loaded SET LOGGED;
CREATE UNLOGGED TABLE dropped (id int PRIMARY KEY);
INSERT INTO dropped VALUES (1);
BEGIN;
ALTER TABLE dropped SET LOGGED;
DROP TABLE dropped;
COMMIT;
SELECT * FROM changes('everything');
SELECT walgate.drop_slot('regress');
DROP PUBLICATION pub, leaves, root, everything;
DROP MATERIALIZED VIEW seen;
DROP TABLE item, private, vacant, measure, loaded;
