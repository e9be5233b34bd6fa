-- session writer
COMMIT;
