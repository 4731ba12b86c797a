-- Which Kafka a pipeline is mirrored into, so that a cluster that was wiped or exchanged is not taken for a new one.

CREATE TABLE walgate.mirrors (
  pipeline text PRIMARY KEY REFERENCES walgate.pipelines ON DELETE CASCADE,
  cluster text NOT NULL,                 -- Kafka's own id
  incarnation text NOT NULL,             -- drawn when the mirror was begun; the progress topic has it as well
  since timestamptz NOT NULL DEFAULT now()
);
