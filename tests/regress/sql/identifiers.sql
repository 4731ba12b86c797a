-- identifiers.sql: names that SQL has to quote arrive as they are.
\pset format unaligned
CREATE SCHEMA "My.Schema";
CREATE TABLE "My.Schema"."Order" ("Id" int PRIMARY KEY, "select" text, "with ""quote""" text, "a.b" text, " " text,
  "back\slash" text, "größe" text, "数量" text, U&"line\000abreak" text, "comma,brace}" text);
CREATE TABLE "a234567890123456789012345678901234567890123456789012345678901.3" (
  "c234567890123456789012345678901234567890123456789012345678901é" int PRIMARY KEY);
CREATE TYPE "My.Schema"."Mood.Of" AS ENUM ('so ''so''', 'a"b', 'ä');
CREATE TABLE "TABLE" (id int PRIMARY KEY, "Mood" "My.Schema"."Mood.Of", moods "My.Schema"."Mood.Of"[]);
CREATE PUBLICATION "Pub, one" FOR TABLE "My.Schema"."Order", "TABLE";
CREATE PUBLICATION "pub""two" FOR TABLE "a234567890123456789012345678901234567890123456789012345678901.3";
CREATE PUBLICATION "p234567890123456789012345678901234567890123456789012345678901.3" FOR TABLE "TABLE";
SELECT 'made' FROM walgate.create_slot('regress');
INSERT INTO "My.Schema"."Order" VALUES (1, 's', 'q', 'd', 'b', e'tab\t', 'ß', '數', e'a\nb\r\x01', '{,}');
UPDATE "My.Schema"."Order" SET "Id" = 2;
DELETE FROM "My.Schema"."Order";
INSERT INTO "a234567890123456789012345678901234567890123456789012345678901.3" VALUES (1);
INSERT INTO "TABLE" VALUES (1, 'a"b', '{"so ''so''",ä}');
TRUNCATE "My.Schema"."Order", "TABLE";
SELECT change FROM walgate.peek('regress', 'Pub, one') WHERE change->>'action' NOT IN ('begin', 'commit');
SELECT change FROM walgate.peek('regress', 'pub"two') WHERE change->>'action' NOT IN ('begin', 'commit');
SELECT change FROM walgate.peek('regress', 'p234567890123456789012345678901234567890123456789012345678901.3')
 WHERE change->>'action' = 'insert';
SELECT kind, body
  FROM pg_logical_slot_peek_binary_changes('regress', NULL, NULL, 'publications', '"Pub, one", "pub""two"'), records(data)
 WHERE kind = 'R';
-- what the findings call them is what SQL can read
SELECT object, finding, remedy FROM walgate.check_source('No "Pub', 'No Role') WHERE severity = 'error' AND object ~ 'No';
CREATE TABLE "My.Schema"."No.Key" ("A" int);
ALTER PUBLICATION "Pub, one" ADD TABLE "My.Schema"."No.Key";
SELECT name, object, remedy FROM walgate.check_source('Pub, one') WHERE object ~ 'Key';
SELECT count(*) FROM changes('"Pub, one"');
SELECT walgate.drop_slot('regress');
DROP PUBLICATION "Pub, one", "pub""two", "p234567890123456789012345678901234567890123456789012345678901.3";
DROP TABLE "TABLE", "a234567890123456789012345678901234567890123456789012345678901.3";
DROP SCHEMA "My.Schema" CASCADE;
