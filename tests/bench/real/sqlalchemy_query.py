"""SQLAlchemy over sqlite3 in memory: objects stored, queried, changed. The size is the number of rounds."""
import sys

from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.orm import declarative_base, relationship, sessionmaker

Base = declarative_base()


class Author(Base):
    __tablename__ = 'authors'
    id = Column(Integer, primary_key=True)
    name = Column(String)
    books = relationship('Book', back_populates='author', order_by='Book.id')


class Book(Base):
    __tablename__ = 'books'
    id = Column(Integer, primary_key=True)
    title = Column(String)
    author_id = Column(Integer, ForeignKey('authors.id'))
    author = relationship('Author', back_populates='books')


engine = create_engine('sqlite://')
Base.metadata.create_all(engine)
session = sessionmaker(bind=engine)()
total = 0
for number in xrange(int(sys.argv[1])):
    author = Author(name=u'author %d' % number)
    author.books = [Book(title=u'book %d' % i) for i in range(10)]
    session.add(author)
    session.commit()
    found = session.query(Book).join(Author).filter(Author.name == author.name).all()
    total += sum(len(book.title) for book in found)
    found[0].title = u'changed'
    session.commit()
    total += len(author.books)
print total
