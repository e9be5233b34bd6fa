CREATE TABLE plays (track text, device text);
INSERT INTO plays VALUES ('Intro', 'Mobile'), ('Intro', 'Mobile'), ('Outro', NULL);
CREATE TABLE unrelated (id int);
