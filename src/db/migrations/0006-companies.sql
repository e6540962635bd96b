-- A company's form stands behind its link and a password, which is kept only as a hash. Wrong ones are counted, and
-- the next may be tried from then on, by the machine's time.

alter table verifications
  add column password_hash text,
  add column password_failures integer not null default 0,
  add column password_wait_until timestamptz;
