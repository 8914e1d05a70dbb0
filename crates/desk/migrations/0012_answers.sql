-- The answer that is kept for a request's own key says at which revision what it holds is.
ALTER TABLE idempotency ADD COLUMN etag TEXT;
