-- What a search in findings looks through: title and statements, in lower case, kept so that it is not made anew for
-- each search.
ALTER TABLE finding ADD COLUMN search_text TEXT NOT NULL DEFAULT '';
UPDATE finding SET search_text = fold(title || '
' || statement_en || '
' || statement_fr);
