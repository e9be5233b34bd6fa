INSERT INTO phone VALUES (4, 'Outro');
DELETE FROM phone WHERE event_id = 1;
