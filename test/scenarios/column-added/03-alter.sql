ALTER TABLE users ADD COLUMN country text DEFAULT 'NO';
ALTER TABLE users ADD COLUMN note text;
UPDATE users SET country = 'SE' WHERE user_id = 2;
