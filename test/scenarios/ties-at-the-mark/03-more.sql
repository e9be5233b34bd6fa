INSERT INTO users VALUES (4, 'Premium', '2026-01-01 19:49:55Z');
UPDATE users SET plan = 'Premium' WHERE user_id = 2;
