-- encoding.sql: in a database of another encoding json stays valid, and binary says what it sends.
\pset format unaligned
CREATE DATABASE regress_latin1 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;
CREATE DATABASE regress_ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;
\c regress_latin1
CREATE EXTENSION walgate;
SET client_encoding = 'UTF8';
CREATE TABLE item (id int PRIMARY KEY, "naïve" text);
CREATE PUBLICATION pub FOR TABLE item;
SELECT 'made' FROM walgate.create_slot('regress');
INSERT INTO item VALUES (1, U&'caf\00e9 "\00ff"');
SELECT 'said' FROM pg_logical_emit_message(false, 'walgate.é', 'é');
INSERT INTO item VALUES (2, '');
SELECT change->'new', change->>'prefix' AS prefix, change->>'content' AS content FROM walgate.peek('regress', 'pub') WHERE change->>'action' IN ('insert', 'message');
SELECT data FROM pg_logical_slot_peek_changes('regress', NULL, NULL, 'format', 'json', 'publications', 'pub') WHERE data ~ 'insert';
\set VERBOSITY terse
SELECT count(*) FROM pg_logical_slot_peek_binary_changes('regress', NULL, NULL, 'publications', 'pub');
SET client_encoding = 'LATIN1';
SELECT encode(substring(data FROM 20 FOR 16), 'escape') FROM pg_logical_slot_peek_binary_changes('regress', NULL, NULL, 'publications', 'pub') LIMIT 1;
SELECT walgate.drop_slot('regress');
\c regress_ascii
CREATE EXTENSION walgate;
CREATE TABLE item (id int PRIMARY KEY, name text);
CREATE PUBLICATION pub FOR TABLE item;
SELECT 'made' FROM walgate.create_slot('regress');
INSERT INTO item VALUES (1, E'caf\xc3\xa9 \xff "');
SELECT 'said' FROM pg_logical_emit_message(false, 'walgate', E'\xff'::text);
INSERT INTO item VALUES (2, '');
SELECT data FROM pg_logical_slot_peek_changes('regress', NULL, NULL, 'format', 'json', 'publications', 'pub') WHERE data ~ 'insert';
SELECT substring(change::text FROM '"content".*') AS content FROM walgate.peek('regress', 'pub') WHERE change->>'action' = 'message';
SELECT walgate.drop_slot('regress');
\c regression
DROP DATABASE regress_latin1;
DROP DATABASE regress_ascii;
