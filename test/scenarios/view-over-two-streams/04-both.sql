BEGIN;
INSERT INTO web VALUES (3, 'Intro');
INSERT INTO phone VALUES (2, 'Outro'), (3, 'Intro');
COMMIT;
