UPDATE users SET plan = 'Premium', updated_at = '2026-01-02' WHERE user_id = 1;
