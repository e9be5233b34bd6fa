INSERT INTO users VALUES (4, 'Free', '2025-12-31');
