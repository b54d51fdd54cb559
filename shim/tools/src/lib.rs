//! Empty: this package exists for its build dependencies.
