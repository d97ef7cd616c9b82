-- A ticket desk: no driver in it. Reduced from github.com/julioborges05/Projetai (client, support, ticket,
-- comment and the triggers that fill users).
create table users (
    id bigint primary key,
    name varchar(255) not null,
    email varchar(255) not null,
    user_type varchar(255) not null
);
create sequence users_id_seq;
create table client (
    id bigint default nextval('users_id_seq') primary key,
    name varchar(255) not null,
    email varchar(255) not null
);
create table support (
    id bigint default nextval('users_id_seq') primary key,
    name varchar(255) not null,
    email varchar(255) not null,
    is_available boolean not null default true
);
create table ticket (
    id bigserial primary key,
    title varchar(255) not null,
    client_id bigint not null references users (id),
    support_id bigint references support (id),
    status varchar(255) not null
);
create table comment (
    id serial primary key,
    message varchar(255) not null,
    ticket_id bigint not null references ticket (id),
    user_id bigint not null references users (id)
);
create function insert_user_from_client() returns trigger language plpgsql as $$
begin
    execute format('insert into %I.users values ($1, $2, $3, ''CLIENT'')', tg_table_schema) using new.id, new.name, new.email;
    return new;
end
$$;
create trigger after_client_insert after insert on client for each row execute function insert_user_from_client();
alter table ticket enable row level security;
create policy ticket_all on ticket using (true);

insert into client (name, email) values ('Cleo', 'cleo@example.com');
