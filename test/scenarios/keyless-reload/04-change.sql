DELETE FROM plays WHERE ctid = (SELECT min(ctid) FROM plays WHERE track = 'Intro');
INSERT INTO plays VALUES ('Outro', NULL);
