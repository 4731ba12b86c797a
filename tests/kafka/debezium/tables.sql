-- The tables of the comparison.  What they hold before the connectors start comes as a snapshot (op r).
CREATE SCHEMA shop;
SET search_path = shop, public;
CREATE TYPE mood AS ENUM ('sad', 'so so', 'happy "quoted"');
CREATE DOMAIN short_text AS varchar(10);
CREATE DOMAIN percentage AS numeric(5, 2);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN very_positive AS positive CHECK (VALUE > 10);

CREATE TABLE snapshot_row (id int PRIMARY KEY, name text);
INSERT INTO snapshot_row VALUES (1, 'bolt'), (2, 'nut');

CREATE TABLE plain (id int PRIMARY KEY, name text, weight float8);
CREATE TABLE required (id int PRIMARY KEY, name text NOT NULL, stock int NOT NULL DEFAULT 7, at timestamptz NOT NULL);
CREATE TABLE two_keys (note text, b text, a bigint, PRIMARY KEY (b, a));
CREATE TABLE whole_identity (id int PRIMARY KEY, name text, amount numeric(8, 2));
ALTER TABLE whole_identity REPLICA IDENTITY FULL;
CREATE TABLE index_identity (id int PRIMARY KEY, code text NOT NULL UNIQUE, name text);
ALTER TABLE index_identity REPLICA IDENTITY USING INDEX index_identity_code_key;
CREATE TABLE no_key (a int, b text);
CREATE TABLE "Mixed Case" ("Id" int PRIMARY KEY, "größe" text, "with ""quotes""" int, "a.b" int);

CREATE TABLE number (id int PRIMARY KEY, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, b bool, o oid);
CREATE TABLE decimal (id int PRIMARY KEY, n numeric, n_10_2 numeric(10, 2), n_38_10 numeric(38, 10), n_5 numeric(5),
                      n_5_minus_2 numeric(5, -2), n_2_4 numeric(2, 4), big numeric(100, 30), m money);
CREATE TABLE string (id int PRIMARY KEY, t text, v varchar(20), vv varchar, c char(5), n name, ch "char", u uuid, e mood,
                     j json, jb jsonb, x xml);
CREATE TABLE domain (id int PRIMARY KEY, s short_text, p percentage, i positive, ii very_positive);
CREATE TABLE day (id int PRIMARY KEY, d date, t time, t0 time(0), t3 time(3), t4 time(4), tz timetz, tz0 timetz(0), tz3 timetz(3));
CREATE TABLE moment (id int PRIMARY KEY, ts timestamp, ts0 timestamp(0), ts3 timestamp(3), ts4 timestamp(4), tstz timestamptz,
                     tstz0 timestamptz(0), tstz3 timestamptz(3));
CREATE TABLE duration (id int PRIMARY KEY, i interval, i0 interval(0), i_day interval day to second, i_year interval year to month);
CREATE TABLE bits (id int PRIMARY KEY, by bytea, b1 bit(1), b bit, b10 bit(10), b64 bit(64), vb varbit, vb1 varbit(1), vb33 varbit(33));
CREATE TABLE list (id int PRIMARY KEY, i2 int2[], i4 int4[], i8 int8[], f4 float4[], f8 float8[], b bool[], t text[], v varchar(10)[],
                   c char(3)[], u uuid[], j json[], jb jsonb[], by bytea[], n numeric[], n_10_2 numeric(10, 2)[], d date[], o oid[],
                   e mood[], ine inet[]);
CREATE TABLE list_of_times (id int PRIMARY KEY, t time[], t3 time(3)[], tz timetz[], ts timestamp[], ts3 timestamp(3)[],
                            tstz timestamptz[], i interval[]);
CREATE TABLE list_of_others (id int PRIMARY KEY, m money[], n name[], vb varbit[], b10 bit(10)[], x xml[], p point[], s short_text[],
                             pp percentage[], ii very_positive[], r int4range[]);
CREATE TABLE net (id int PRIMARY KEY, i inet, c cidr, m macaddr, m8 macaddr8);
CREATE TABLE range (id int PRIMARY KEY, i4 int4range, i8 int8range, n numrange, d daterange, ts tsrange, tstz tstzrange, im int4multirange);
CREATE TABLE other (id int PRIMARY KEY, p point, l line, b box, c circle, v tsvector, q tsquery, lsn pg_lsn, reg regclass);
CREATE TABLE toasted (id int PRIMARY KEY, n int, t text, j json, jb jsonb, by bytea, ta text[], ia int[], la bigint[], ua uuid[],
                      num numeric, x xml, na numeric[], fa float8[], ba bool[], da date[], tsa timestamp[], bya bytea[], c char(2500));
ALTER TABLE toasted ALTER t SET STORAGE EXTERNAL, ALTER j SET STORAGE EXTERNAL, ALTER jb SET STORAGE EXTERNAL, ALTER by SET STORAGE EXTERNAL,
  ALTER ta SET STORAGE EXTERNAL, ALTER ia SET STORAGE EXTERNAL, ALTER la SET STORAGE EXTERNAL, ALTER ua SET STORAGE EXTERNAL,
  ALTER num SET STORAGE EXTERNAL, ALTER x SET STORAGE EXTERNAL, ALTER na SET STORAGE EXTERNAL, ALTER fa SET STORAGE EXTERNAL,
  ALTER ba SET STORAGE EXTERNAL, ALTER da SET STORAGE EXTERNAL, ALTER tsa SET STORAGE EXTERNAL, ALTER bya SET STORAGE EXTERNAL,
  ALTER c SET STORAGE EXTERNAL;
CREATE TABLE toasted_key (k text PRIMARY KEY, n int, t text);
ALTER TABLE toasted_key ALTER k SET STORAGE EXTERNAL, ALTER t SET STORAGE EXTERNAL;
CREATE EXTENSION citext;
CREATE EXTENSION hstore;
CREATE EXTENSION ltree;
CREATE TABLE extension (id int PRIMARY KEY, c citext, h hstore, l ltree, ca citext[], la ltree[]);
CREATE TABLE key_types (i8 bigint, u uuid, t timestamptz, n numeric(10, 2), d date, PRIMARY KEY (i8, u, t, n, d));
CREATE TABLE the_end (id int PRIMARY KEY);
