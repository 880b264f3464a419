"""What runs learn from: photos, triplets, phrases, negatives, and what is kept of them."""
