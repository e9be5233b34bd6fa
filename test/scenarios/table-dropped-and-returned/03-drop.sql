DROP TABLE users;
INSERT INTO tracks VALUES (2, 'Outro');
