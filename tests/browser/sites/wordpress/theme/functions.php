<?php
// The snippet as themes load it, and as people who know no theme do.
add_theme_support('title-tag');
add_action('wp_enqueue_scripts', function () {
    if (is_single('enqueued')) {
        wp_enqueue_script('contact', 'https://contact.example.com/embed.js'); // in the head, with ?ver=
    } elseif (is_single('editor') || is_page()) {
        wp_enqueue_script('contact', 'https://contact.example.com/embed.js', [], null, true);
    }
});
add_action('wp_head', function () {
    if (is_single('head')) {
        echo '<script src="https://contact.example.com/embed.js"></script>';
    }
});
