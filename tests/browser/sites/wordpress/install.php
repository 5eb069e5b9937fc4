<?php
// Installs WordPress, and writes posts as an administrator and as an author, each with what WordPress lets them keep.
define('WP_INSTALLING', true);
require __DIR__ . '/config.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';

function wp_new_blog_notification() {} // WordPress leaves this to be replaced: no mail

$admin = wp_install('Edelmetalle', 'admin', 'admin@example.com', true, '', 'secret')['user_id'];
switch_theme('contact');
update_option('permalink_structure', '/%postname%/');
$author = wp_insert_user(['user_login' => 'author', 'user_pass' => 'secret', 'role' => 'author']);

$form = '<form data-contact="newsletter" method="post" action="https://contact.example.com/newsletter/signups">
<label>E-Mail <input type="email" name="email" required></label>
<p data-contact="consent" data-for="newsletter">…</p>
<input type="hidden" name="consent" value="newsletter-de-1"><select name="topics"><option value=""></option></select>
<input type="submit" value="Anmelden"></form>';
$posts = [
    [$admin, 'pasted', $form . '<script src="https://contact.example.com/embed.js" data-article="gold-kaufen" defer></script>'],
    [$admin, 'enqueued', $form],
    [$admin, 'enqueued-page', $form, 'page'],
    [$admin, 'head', $form],
    [$author, 'editor', $form . '<div data-contact="form" data-form="newsletter"></div>'],
];
foreach ($posts as $post) {
    [$user, $name, $content] = $post;
    wp_set_current_user($user);
    kses_init();
    wp_insert_post([
        'post_author' => $user, 'post_name' => $name, 'post_title' => "Über $name", 'post_type' => $post[3] ?? 'post',
        'post_content' => wp_slash($content), 'post_status' => 'publish',
    ]);
}
wp_set_current_user($admin);
flush_rewrite_rules();
