-- types.sql: a value travels as its type's send function writes it, or as text where that would mean nothing elsewhere.
\pset format unaligned
SET client_min_messages = warning;
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TYPE pair AS (a int, b text);
CREATE TYPE holder AS (r regclass);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN small_positive AS positive CHECK (VALUE < 100);
CREATE DOMAIN class_domain AS regclass;
CREATE TYPE float_range AS RANGE (subtype = float8);
CREATE TABLE types (
  id int PRIMARY KEY,
  v_bool bool, v_char "char", v_int2 int2, v_int8 int8, v_float4 float4, v_float8 float8, v_oid oid, v_xid xid, v_lsn pg_lsn,
  v_date date, v_time time, v_timetz timetz, v_timestamp timestamp, v_timestamptz timestamptz, v_interval interval,
  v_uuid uuid, v_text text, v_varchar varchar(20), v_bpchar char(10), v_bytea bytea, v_json json, v_jsonb jsonb, v_name name,
  v_numeric numeric, v_money money, v_inet inet, v_macaddr macaddr, v_bit bit(3), v_varbit varbit, v_point point,
  v_tsvector tsvector, v_xid8 xid8, v_int4s int4[], v_texts text[], v_mood mood, v_moods mood[], v_pair pair, v_pairs pair[],
  v_range int4range, v_ranges int4multirange, v_float_range float_range, v_positive positive, v_small small_positive,
  v_positives positive[],
  t_regclass regclass, t_regproc regproc, t_regtype regtype, t_regclasses regclass[], t_aclitem aclitem, t_aclitems aclitem[],
  t_domain class_domain, t_holder holder, t_oidvector oidvector, t_int2vector int2vector, t_tsquery tsquery, t_xml xml,
  t_xmls xml[]
);
CREATE PUBLICATION pub FOR TABLE types;
SELECT 'made' FROM walgate.create_slot('regress');
INSERT INTO types VALUES (1,
  true, 'x', -2, -3000000000, 1.5, 'NaN', 4000000000, '4000000000', '16/B374D848',
  '2020-02-29', '23:59:59.999999', '12:00+02', '-infinity', '2021-01-01 00:00 UTC', '1 mon 2 days 03:04:05.06',
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'é', 'v', 'b', '\x00ff', '{"a" : 1}', '{"a": 1}', 'nam',
  -12345.6700, '1.25', '10.0.0.1/8', '08:00:2b:01:02:03', B'101', B'1', '(1,2)',
  'a b:2', '9000000000', '{1,NULL,3}', '{a,"b,c",NULL}', 'glad', '{sad,glad}', '(1,x)', '{"(1,x)","(,)"}',
  '[1,5)', '{[1,2),[5,9)}', '[1.5,2.5]', 5, 6, '{7,8}',
  'pg_class', 'now', 'int4', '{pg_class,types}', 'postgres=r/postgres', '{postgres=r/postgres}', 'pg_type', '(pg_class)', '1 2 3', '4 5', 'a & b',
  '<?xml version="1.0" encoding="LATIN1"?><a>é</a>', ARRAY['<?xml version=''1.0''?><a/>', NULL]::xml[])
;
INSERT INTO types (id) VALUES (2);
INSERT INTO types (id, v_bool, v_int2, v_int8, v_float4, v_float8, v_date, v_time, v_timestamp, v_timestamptz, v_text, v_varchar, v_bpchar, v_bytea, v_numeric, v_int4s, v_range, t_oidvector, t_int2vector, t_tsquery, t_xml, t_xmls) VALUES
  (3, false, -32768, -9223372036854775808, '-Infinity', '-0', 'infinity', '24:00', 'infinity', '4713-11-24 00:00 UTC BC', '', '', '', '', 'NaN', '{}', 'empty', '', '', '', '', '{}'),
  (4, true, 32767, 9223372036854775807, 'NaN', 'Infinity', '4714-11-24 BC', '00:00', '294276-12-31 23:59:59.999999', 'infinity',
   repeat('compressible ', 1000), 'x', 'x', decode(repeat('00ff', 5000), 'hex'), 'Infinity', '{{1},{2}}', '[,]', '0', '-1', '!a', ' x ', '[0:0]={<a/>}');
CREATE TEMP TABLE sent AS
  SELECT kind, body FROM pg_logical_slot_peek_binary_changes('regress', NULL, NULL, 'publications', 'pub'), records(data);
-- how each column travels, as kind of type, format and typmod
SELECT regexp_replace(part, '^(key )?(.) (.) (-?\d+) ', '\1\2 \3 \4 ') FROM sent, unnest(string_to_array(body, ', ')) AS part WHERE kind = 'R' AND part !~ '^\d';
-- every value against the function that the format names
CREATE FUNCTION compare() RETURNS TABLE (row_id int, column_name name, sent text, expected text) LANGUAGE plpgsql
SET search_path = pg_catalog AS $$
DECLARE
  tuple text[];
  attribute record;
BEGIN
  FOR row_id, tuple IN
    SELECT row_number() OVER (), substring(body FROM 'new (.*)')::text[] FROM pg_temp.sent WHERE kind = 'I'
  LOOP
    FOR attribute IN
      SELECT a.attnum, a.attname, t.typsend, a.attname ~ '^t_' AS as_text FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
       WHERE a.attrelid = 'public.types'::regclass AND a.attnum > 0 ORDER BY a.attnum
    LOOP
      column_name := attribute.attname;
      sent := tuple[attribute.attnum];
      -- the output function of xml loses its declaration, and so does that of an array of it
      EXECUTE format(CASE WHEN attribute.attname = 't_xmls' THEN 'SELECT encode(convert_to(%1$I::text[]::text, ''UTF8''), ''hex'') FROM public.types WHERE id = %2$s'
                          WHEN attribute.as_text THEN 'SELECT encode(convert_to(%1$I::text, ''UTF8''), ''hex'') FROM public.types WHERE id = %2$s'
                          ELSE 'SELECT encode(%3$s(%1$I), ''hex'') FROM public.types WHERE id = %2$s' END,
                     attribute.attname, row_id, attribute.typsend::regproc) INTO expected;
      expected := coalesce(expected, 'null');
      RETURN NEXT;
    END LOOP;
  END LOOP;
END
$$;
SELECT row_id, count(*) FROM compare() WHERE sent = expected GROUP BY row_id ORDER BY row_id;
SELECT * FROM compare() WHERE sent IS DISTINCT FROM expected;
-- text does not follow the settings of the session
SET search_path = public;
SET datestyle = 'SQL, DMY';
SET intervalstyle = 'iso_8601';
SET extra_float_digits = -3;
SET bytea_output = 'escape';
SET timezone = 'Asia/Kolkata';
SELECT changes->'new'->>'t_regclasses' AS regclasses, changes->'new'->>'v_timestamptz' AS timestamptz,
       changes->'new'->>'v_date' AS date, changes->'new'->>'v_interval' AS interval, changes->'new'->>'v_float4' AS float4,
       changes->'new'->>'v_bytea' AS bytea, changes->'new'->>'t_xml' AS xml, changes->'new'->>'t_xmls' AS xmls
  FROM (SELECT data::json AS changes FROM pg_logical_slot_peek_changes('regress', NULL, NULL, 'format', 'json', 'publications', 'pub')) AS c
 WHERE changes->>'action' = 'insert' AND changes->'new'->>'id' = '1';
SHOW datestyle;
SHOW timezone;
RESET ALL;
-- a label that changes in the middle
SELECT count(*) FROM changes('pub');
CREATE TABLE felt (id int PRIMARY KEY, m mood);
ALTER PUBLICATION pub SET TABLE felt;
BEGIN;
INSERT INTO felt VALUES (1, 'sad'), (2, 'glad'), (3, 'sad');
ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';
INSERT INTO felt VALUES (4, 'blue'), (5, 'glad');
COMMIT;
SELECT kind, convert_from(decode(split_part(trim('}' FROM body), ',', 2), 'hex'), 'UTF8') AS label
  FROM pg_logical_slot_get_binary_changes('regress', NULL, NULL, 'publications', 'pub'), records(data) WHERE kind = 'I';
SELECT walgate.drop_slot('regress');
DROP FUNCTION compare;
DROP PUBLICATION pub;
DROP TABLE types, felt;
DROP TYPE mood, pair, holder, float_range;
DROP DOMAIN small_positive, positive, class_domain;
