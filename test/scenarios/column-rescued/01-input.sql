CREATE TABLE tracks (track_id int PRIMARY KEY, title text, plays int, seconds int);
INSERT INTO tracks VALUES (1, 'Intro', 10, 60), (2, 'Song', 20, 200), (3, 'Outro', NULL, 30);
