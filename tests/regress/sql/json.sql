-- json.sql: every object is valid JSON whatever the values are.
\pset format unaligned
CREATE TABLE "odd ""table" (id int PRIMARY KEY, "odd ""column" text);
CREATE TABLE numbers (id int PRIMARY KEY, i8 int8, o oid, f4 float4, f8 float8, n numeric, b bool, m money);
CREATE TABLE texts (id int PRIMARY KEY, t text, j json, jb jsonb, x "char", a text[], d timestamptz);
CREATE DOMAIN flag AS bool;
CREATE TABLE domains (id int PRIMARY KEY, f flag);
CREATE PUBLICATION pub FOR TABLE "odd ""table", numbers, texts, domains;
SELECT 'made' FROM walgate.create_slot('regress');
INSERT INTO "odd ""table" VALUES (1, E'quote " backslash \\ newline \n tab \t bell \x07 slash / é 😀');
INSERT INTO numbers VALUES (1, 9223372036854775807, 4294967295, 1e30, -1.5e-300, 12345678901234567890.10, true, 1),
  (2, NULL, NULL, 'NaN', 'Infinity', 'NaN', false, NULL), (3, 0, 0, '-Infinity', '-0', '-Infinity', NULL, NULL);
INSERT INTO texts VALUES (1, '', 'null', 'null', '"', '{"a\"b",NULL}', '2020-01-01 12:00 Europe/Paris'), (2, 'null', '{"a":  "\u0000"}', '[1, {"b": null}]', NULL, '{}', 'infinity');
INSERT INTO domains VALUES (1, true);
SELECT * FROM row_changes('pub');
-- the keys that hold a position, an xid or a time
INSERT INTO domains VALUES (2, false);
SELECT 'said' FROM pg_logical_emit_message(true, 'walgate', 'x');
SELECT string_agg(key, ', ') FROM pg_logical_slot_get_changes('regress', NULL, NULL, 'format', 'json', 'publications', 'pub'),
  json_object_keys(data::json) WITH ORDINALITY AS k (key, n)
  WHERE data::json->>'action' IN ('begin', 'commit', 'message') GROUP BY data::json->>'action' ORDER BY 1;
-- a limit cuts
INSERT INTO domains SELECT i, true FROM generate_series(3, 1000) AS i;
SELECT * FROM changes('pub', 'limit', '3');
SELECT walgate.drop_slot('regress');
DROP PUBLICATION pub;
DROP TABLE "odd ""table", numbers, texts, domains;
DROP DOMAIN flag;
