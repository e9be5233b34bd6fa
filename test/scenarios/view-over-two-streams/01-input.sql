CREATE TABLE web (event_id int PRIMARY KEY, track text);
CREATE TABLE phone (event_id int PRIMARY KEY, track text);
INSERT INTO web VALUES (1, 'Intro'), (2, 'Outro');
INSERT INTO phone VALUES (1, 'Intro');
