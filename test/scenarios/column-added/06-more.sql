INSERT INTO users (user_id, plan, updated_at, note) VALUES (3, 'Free', '2026-01-02', 'new');
