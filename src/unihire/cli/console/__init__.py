"""What commands share: arguments taken, work started and ended, results shown."""
