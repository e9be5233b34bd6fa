UPDATE users SET user_id = 30 WHERE user_id = 3;
