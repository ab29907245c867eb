"""Times of any form as seconds since 1970, UTC."""
