ALTER TABLE tracks ALTER COLUMN seconds TYPE text USING seconds || ' s';
INSERT INTO users VALUES (2, 'Free', '2026-01-02');
