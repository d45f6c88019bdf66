"""The ground: frozen types, enums and errors that every room exchanges; standard library only."""
