-- source.sql: the schema that the application writes to, in the manner of a requisition system.
--
-- uuid keys, foreign keys that cascade, jsonb, numeric(19,2), timestamptz and unique indexes that hold for a part of the
-- rows only. Each requisition knows how many line items it has and what they cost, so that half a transaction shows.
CREATE SCHEMA requisition;

CREATE TABLE requisition.facilities (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  code text NOT NULL UNIQUE,
  name text NOT NULL,
  active boolean NOT NULL DEFAULT true,
  location jsonb
);

CREATE TABLE requisition.orderables (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  product_code text NOT NULL,
  full_product_name text NOT NULL,
  price_per_pack numeric(19,2) NOT NULL,
  discontinued_at timestamptz,
  extra_data jsonb NOT NULL DEFAULT '{}'
);
CREATE UNIQUE INDEX orderables_current_code ON requisition.orderables (product_code) WHERE discontinued_at IS NULL;

CREATE TABLE requisition.requisitions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  facility_id uuid NOT NULL REFERENCES requisition.facilities,
  program text NOT NULL,
  processing_period date NOT NULL,
  emergency boolean NOT NULL,
  status text NOT NULL DEFAULT 'INITIATED'
    CHECK (status IN ('INITIATED', 'SUBMITTED', 'AUTHORIZED', 'APPROVED', 'RELEASED', 'REJECTED')),
  line_count integer NOT NULL DEFAULT 0,
  total_cost numeric(19,2) NOT NULL DEFAULT 0,
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  modified_at timestamptz NOT NULL DEFAULT now(),
  scratchpad text,
  extra_data jsonb
);
CREATE UNIQUE INDEX requisitions_one_regular ON requisition.requisitions (program, facility_id, processing_period)
  WHERE NOT emergency;

CREATE TABLE requisition.line_items (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  requisition_id uuid NOT NULL REFERENCES requisition.requisitions ON DELETE CASCADE,
  orderable_id uuid NOT NULL REFERENCES requisition.orderables,
  stock_on_hand integer,
  requested_quantity integer,
  approved_quantity integer,
  total_cost numeric(19,2) NOT NULL DEFAULT 0,
  skipped boolean NOT NULL DEFAULT false,
  UNIQUE (requisition_id, orderable_id)
);

CREATE TABLE requisition.status_changes (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  requisition_id uuid NOT NULL REFERENCES requisition.requisitions ON DELETE CASCADE,
  previous_change_id uuid REFERENCES requisition.status_changes,
  status text NOT NULL,
  author_id uuid,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON requisition.status_changes (requisition_id);
CREATE INDEX ON requisition.status_changes (previous_change_id);

CREATE TABLE requisition.status_messages (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  requisition_id uuid NOT NULL REFERENCES requisition.requisitions ON DELETE CASCADE,
  status_change_id uuid NOT NULL UNIQUE REFERENCES requisition.status_changes ON DELETE CASCADE,
  body text NOT NULL,
  draft text
);
CREATE INDEX ON requisition.status_messages (requisition_id);
