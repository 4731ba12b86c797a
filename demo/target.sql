-- target.sql: the same data as its readers want it: another schema and prefix, columns in another order, a renamed
-- one (status_messages.body is message here), two left out (requisitions.scratchpad, status_messages.draft), some of
-- its own (arrived_at, open), and the indexes that its queries need.
--
-- Every constraint is checked here too, row by row, because the service's role in the demo may not switch that off.
-- The foreign keys are DEFERRABLE because the source's cascades stream a parent's delete before its children's.
CREATE SCHEMA batch;

CREATE TABLE batch.batch_facilities (
  id uuid PRIMARY KEY,
  code text NOT NULL UNIQUE,
  name text NOT NULL,
  location jsonb,
  active boolean NOT NULL
);

CREATE TABLE batch.batch_orderables (
  id uuid PRIMARY KEY,
  product_code text NOT NULL,
  full_product_name text NOT NULL,
  extra_data jsonb NOT NULL,
  price_per_pack numeric(19,2) NOT NULL CHECK (price_per_pack > 0),
  discontinued_at timestamptz
);
CREATE UNIQUE INDEX ON batch.batch_orderables (product_code) WHERE discontinued_at IS NULL;

CREATE TABLE batch.batch_requisitions (
  id uuid PRIMARY KEY,
  status text NOT NULL,
  program text NOT NULL,
  processing_period date NOT NULL,
  facility_id uuid NOT NULL REFERENCES batch.batch_facilities DEFERRABLE,
  emergency boolean NOT NULL,
  line_count integer NOT NULL CHECK (line_count >= 0),
  total_cost numeric(19,2) NOT NULL,
  version bigint NOT NULL,
  extra_data jsonb,
  created_at timestamptz NOT NULL,
  modified_at timestamptz NOT NULL,
  open boolean GENERATED ALWAYS AS (status NOT IN ('RELEASED', 'REJECTED')) STORED,
  arrived_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX ON batch.batch_requisitions (facility_id, program, processing_period) WHERE NOT emergency;
CREATE INDEX ON batch.batch_requisitions (status, modified_at) WHERE open;

CREATE TABLE batch.batch_line_items (
  id uuid PRIMARY KEY,
  orderable_id uuid NOT NULL REFERENCES batch.batch_orderables DEFERRABLE,
  requisition_id uuid NOT NULL REFERENCES batch.batch_requisitions DEFERRABLE,
  requested_quantity integer,
  approved_quantity integer,
  stock_on_hand integer,
  skipped boolean NOT NULL,
  total_cost numeric(19,2) NOT NULL
);
CREATE UNIQUE INDEX ON batch.batch_line_items (requisition_id, orderable_id);

CREATE TABLE batch.batch_status_changes (
  id uuid PRIMARY KEY,
  requisition_id uuid NOT NULL REFERENCES batch.batch_requisitions DEFERRABLE,
  previous_change_id uuid REFERENCES batch.batch_status_changes DEFERRABLE,
  status text NOT NULL,
  author_id uuid,
  created_at timestamptz NOT NULL
);
CREATE INDEX ON batch.batch_status_changes (requisition_id);
CREATE INDEX ON batch.batch_status_changes (previous_change_id);

CREATE TABLE batch.batch_messages (
  id uuid PRIMARY KEY,
  status_change_id uuid NOT NULL UNIQUE REFERENCES batch.batch_status_changes DEFERRABLE,
  requisition_id uuid NOT NULL REFERENCES batch.batch_requisitions DEFERRABLE,
  message text NOT NULL
);
CREATE INDEX ON batch.batch_messages (requisition_id);
