-- session writer
COMMIT PREPARED 'scenario prepared-transaction';
