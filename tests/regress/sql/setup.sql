-- setup.sql: how the other tests read what the plugin writes.
-- In format json "action" comes first, so that a key of begin, commit or message that differs from run to run can be
-- cut out together with the comma in front of it.
CREATE FUNCTION changes(publications text, VARIADIC options text[] DEFAULT '{}') RETURNS SETOF text
LANGUAGE sql AS $$
  SELECT regexp_replace(data::json::text, ',"(xid|final_lsn|end_lsn|lsn|commit_time)":("[^"]*"|[0-9]+)', '', 'g')
    FROM pg_logical_slot_get_changes('regress', NULL, NULL,
                                     VARIADIC ARRAY['format', 'json', 'publications', publications] || options);
$$;
-- Only inserts, updates, deletes and truncates.
CREATE FUNCTION row_changes(publications text) RETURNS SETOF text
LANGUAGE sql AS $$
  SELECT change FROM changes(publications) AS change
   WHERE change::json->>'action' NOT IN ('begin', 'relation', 'commit');
$$;
CREATE FUNCTION relations(publications text) RETURNS SETOF text
LANGUAGE sql AS $$
  SELECT change FROM changes(publications) AS change
   WHERE change::json->>'action' = 'relation';
$$;

-- A message that is not transactional reaches the disk with the next commit that wrote something.
CREATE TABLE written (n int);
CREATE FUNCTION flush_wal() RETURNS void LANGUAGE sql AS 'INSERT INTO written VALUES (1)';

-- A reader of the binary format: whatever does not follow PROTOCOL.md to the byte is an error.
CREATE FUNCTION number_at(bytes bytea, at int, size int) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
  SELECT ('x' || lpad(encode(substring(bytes FROM at + 1 FOR size), 'hex'), 16, '0'))::bit(64)::bigint;
$$;
CREATE FUNCTION string_at(bytes bytea, INOUT at int, OUT value text)
LANGUAGE sql IMMUTABLE AS $$
  SELECT at + 2 + number_at(bytes, at, 2)::int,
         convert_from(substring(bytes FROM at + 3 FOR number_at(bytes, at, 2)::int), 'UTF8');
$$;
CREATE FUNCTION tuple_at(bytes bytea, INOUT at int, OUT "values" text[])
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  size bigint;
BEGIN
  "values" := '{}';
  FOR i IN 1 .. number_at(bytes, at, 2) LOOP
    size := number_at(bytes, at + 2, 4);
    IF size = x'ffffffff'::bigint THEN
      "values" := "values" || 'null'::text;
      size := 0;
    ELSIF size = x'fffffffe'::bigint THEN
      "values" := "values" || 'unchanged'::text;
      size := 0;
    ELSE
      "values" := "values" || encode(substring(bytes FROM at + 7 FOR size::int), 'hex');
    END IF;
    at := at + 4 + size;
  END LOOP;
  at := at + 2;
END
$$;
CREATE FUNCTION records(frame bytea, OUT kind text, OUT body text) RETURNS SETOF record
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  at int := 0;
  stop int;
  flags int;
  old text[];
  new text[];
  schema text;
  name text;
  type text;
BEGIN
  WHILE at < length(frame) LOOP
    kind := chr(get_byte(frame, at));
    stop := at + 5 + number_at(frame, at + 1, 4);
    ASSERT stop <= length(frame), format('record %s ends behind its frame', kind);
    at := at + 5;
    CASE kind
      WHEN 'H' THEN
        ASSERT substring(frame FROM at + 1 FOR 8) = '\x57414c4741544500', 'magic';
        ASSERT number_at(frame, at + 10, 4) = current_setting('server_version_num')::int, 'server version';
        body := format('version %s', number_at(frame, at + 8, 2));
        at := at + 14;
        SELECT s.at, body || ' extension ' || s.value INTO at, body FROM string_at(frame, at) AS s;
        SELECT s.at, body || ' ' || s.value INTO at, body FROM string_at(frame, at) AS s;
      WHEN 'B' THEN
        ASSERT number_at(frame, at + 4, 8) < number_at(frame, at + 12, 8), 'final_lsn before end_lsn';
        body := '';
        at := at + 28;
      WHEN 'R' THEN
        body := format('%s version %s', number_at(frame, at, 4), number_at(frame, at + 4, 4));
        flags := number_at(frame, at + 12, 1);
        body := body || format(' %s%s', chr(flags), chr(get_byte(frame, at + 13)));
        at := at + 14;
        SELECT s.at, s.value INTO at, schema FROM string_at(frame, at) AS s;
        SELECT s.at, s.value INTO at, name FROM string_at(frame, at) AS s;
        body := body || format(' %I.%I', schema, name);
        flags := number_at(frame, at, 2);
        at := at + 2;
        FOR i IN 1 .. flags LOOP
          body := body || format(', %s%s', (ARRAY['', 'key ', 'generated ', 'generated key '])[get_byte(frame, at) + 1], chr(get_byte(frame, at + 1)));
          type := chr(get_byte(frame, at + 2));
          ASSERT (number_at(frame, at + 5, 4) = number_at(frame, at + 9, 4)) = (type <> 'd'), 'base type';
          ASSERT EXISTS (SELECT FROM pg_type WHERE oid = number_at(frame, at + 9, 4)::oid), 'type';
          body := body || format(' %s %s %s', number_at(frame, at + 3, 2), type, number_at(frame, at + 13, 4)::bit(32)::int);
          at := at + 17;
          SELECT s.at, s.value INTO at, name FROM string_at(frame, at) AS s;
          SELECT s.at, s.value INTO at, schema FROM string_at(frame, at) AS s;
          SELECT s.at, s.value INTO at, type FROM string_at(frame, at) AS s;
          body := body || format(' %I %s.%s', name, schema, type);
        END LOOP;
      WHEN 'I', 'U', 'D' THEN
        body := number_at(frame, at, 4)::text;
        at := at + 4;
        flags := 0;
        IF kind <> 'I' THEN
          flags := get_byte(frame, at);
          at := at + 1;
        END IF;
        IF flags & 3 <> 0 THEN
          SELECT t.at, t."values" INTO at, old FROM tuple_at(frame, at) AS t;
          body := body || format(' %s %s', CASE flags & 3 WHEN 1 THEN 'key' WHEN 2 THEN 'old' END, old);
        END IF;
        IF kind <> 'D' AND flags & 4 = 0 THEN
          SELECT t.at, t."values" INTO at, new FROM tuple_at(frame, at) AS t;
          body := body || format('%s new %s', CASE WHEN kind = 'U' AND flags & 8 <> 0 THEN ' enters' ELSE '' END, new);
        END IF;
      WHEN 'T' THEN
        body := format('flags %s', get_byte(frame, at));
        flags := number_at(frame, at + 1, 2);
        at := at + 3;
        FOR i IN 1 .. flags LOOP
          body := body || ' ' || number_at(frame, at, 4);
          at := at + 4;
        END LOOP;
        WHILE at < stop LOOP
          SELECT s.at, body || ' ' || s.value INTO at, body FROM string_at(frame, at) AS s;
          SELECT s.at, body || '.' || s.value INTO at, body FROM string_at(frame, at) AS s;
        END LOOP;
      WHEN 'W' THEN
        body := number_at(frame, at, 4);
        at := at + 4;
      WHEN 'M' THEN
        body := format('flags %s', get_byte(frame, at));
        SELECT s.at, body || ' ' || s.value INTO at, body FROM string_at(frame, at + 9) AS s;
        flags := number_at(frame, at, 4);
        body := body || ' ' || encode(substring(frame FROM at + 5 FOR flags), 'hex');
        at := at + 4 + flags;
      WHEN 'C' THEN
        ASSERT number_at(frame, at, 8) < number_at(frame, at + 8, 8), 'final_lsn before end_lsn';
        body := format('changes %s', number_at(frame, at + 16, 8));
        at := at + 24;
    END CASE;
    ASSERT at = stop, format('record %s is not as long as its fields', kind);
    RETURN NEXT;
  END LOOP;
END
$$;
